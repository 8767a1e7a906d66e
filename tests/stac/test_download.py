from __future__ import annotations

import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from support.waiting import eventually, minutes

import geodes_datalab as gd
from geodes_datalab import stac
from geodes_datalab.errors import (
    AuthenticationError,
    ChecksumError,
    IncompleteResult,
    InvalidQuery,
    NoSuchItem,
    ProductOffline,
    QuotaError,
    RequestError,
    ServiceError,
    StorageError,
)
from geodes_datalab.stac import Items, fetch
from geodes_datalab.stac.downloads import transfer
from geodes_datalab.stac.downloads.job import Job
from geodes_datalab.standin import Catalogue, StandIn

PATAGONIA = (-67.67, -47.87, -67.62, -47.84)
TAPE = "S2A_MSIL1C_20220602T142021_N0400_R010_T19GFG_20220602T174514"


class Usage(NamedTuple):
    free: int


@pytest.fixture
def items(signed_in: StandIn) -> Items:
    """Four products that are online."""
    return gd.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="../2022-03")[:4]


def right(path: Path, item: dict[str, Any]) -> bool:
    content = path.read_bytes()
    asset = item["assets"]["data"]
    return (
        len(content) == asset["file:size"]
        and hashlib.md5(content).hexdigest() == asset["geodes:md5"]
    )


def downloads(portal: StandIn) -> list[Any]:
    return portal.requests.to("/api/download/")


def left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.part"))


def test_files_are_verified_and_named_after_the_products(items: Items, tmp_path: Path) -> None:
    paths = gd.download(items, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        f"{item['properties']['identifier']}.zip" for item in items.dicts
    ]
    assert all(right(path, item) for path, item in zip(paths, items.dicts, strict=True))
    assert not left_over(tmp_path)


@pytest.mark.parametrize("form", ["one", "dict", "list", "pystac"])
def test_items_in_every_form(items: Items, tmp_path: Path, form: str) -> None:
    given: Any = {
        "one": items[0],
        "dict": items.dicts[0],
        "list": [items[0]],
        "pystac": items[:1].to_pystac(),
    }[form]
    (path,) = gd.download(given, tmp_path)
    assert right(path, items.dicts[0])


def test_what_is_there_and_right_is_not_fetched_again(
    items: Items, signed_in: StandIn, tmp_path: Path
) -> None:
    first = gd.download(items, tmp_path)
    before = len(signed_in.requests)
    assert gd.download(items, tmp_path) == first
    assert len(signed_in.requests) == before
    first[0].write_bytes(b"damaged")
    gd.download(items, tmp_path)
    assert len(downloads(signed_in)) == 5
    assert right(first[0], items.dicts[0])
    gd.download(items[:1], tmp_path, overwrite=True)
    assert len(downloads(signed_in)) == 6


def test_other_files(items: Items, signed_in: StandIn, tmp_path: Path) -> None:
    (path,) = gd.download(items[0], tmp_path, assets="quicklook")
    assert path.name.endswith("_quicklook.jpg")
    assert not downloads(signed_in)
    assert len(gd.download(items[:2], tmp_path, assets="all")) == 4
    with pytest.raises(InvalidQuery, match="has no file") as caught:
        gd.download(items[0], tmp_path, assets="quiklook")
    assert 'did you mean "quicklook"?' in str(caught.value)


def test_files_of_one_name_get_folders(items: Items, tmp_path: Path) -> None:
    one, other = (dict(item) for item in items.dicts[:2])
    for item in (one, other):
        item["assets"] = {"data": {**item["assets"]["data"], "title": "product.zip"}}
    paths = gd.download([one, other], tmp_path)
    assert [path.name for path in paths] == ["product.zip"] * 2
    assert len({path.parent for path in paths}) == 2
    assert all(right(path, item) for path, item in zip(paths, (one, other), strict=True))


def test_a_name_cannot_leave_the_folder(items: Items, tmp_path: Path) -> None:
    item = dict(items.dicts[0])
    item["assets"] = {"data": {**item["assets"]["data"], "title": "../../evil.zip"}}
    (path,) = gd.download(item, tmp_path / "deep" / "down")
    assert path == tmp_path / "deep" / "down" / "evil.zip"


# interruptions


@pytest.mark.parametrize("ranges", ["on", "off", "error"])
def test_broken_transfers_are_gone_on_with(
    items: Items, signed_in: StandIn, tmp_path: Path, ranges: str
) -> None:
    signed_in.settings.ranges = ranges  # type: ignore[assignment]
    signed_in.faults.truncate(times=2)
    (path,) = gd.download(items[0], tmp_path, workers=1)
    assert right(path, items.dicts[0])
    asked = [request.headers.get("range") for request in downloads(signed_in)]
    assert asked[0] is None
    assert any(asked[1:])
    if ranges == "on":
        sent = [request.status for request in downloads(signed_in)]
        assert sent[1:] == [206] * len(sent[1:])
    assert not left_over(tmp_path)


def test_an_earlier_part_is_gone_on_with(items: Items, signed_in: StandIn, tmp_path: Path) -> None:
    (path,) = gd.download(items[0], tmp_path)
    content = path.read_bytes()
    path.rename(path.with_name(path.name + ".part"))
    path.with_name(path.name + ".part").write_bytes(content[:1000])
    gd.download(items[0], tmp_path)
    assert downloads(signed_in)[-1].headers["range"] == "bytes=1000-"
    assert downloads(signed_in)[-1].status == 206
    assert path.read_bytes() == content


@pytest.mark.parametrize("rubbish", [b"x" * 1000, b"x" * 100_000_000])
def test_a_part_of_something_else_is_begun_anew(
    items: Items, tmp_path: Path, rubbish: bytes
) -> None:
    name = items.dicts[0]["assets"]["data"]["title"]
    (tmp_path / f"{name}.part").write_bytes(
        rubbish[: items.dicts[0]["assets"]["data"]["file:size"] + 5]
    )
    (path,) = gd.download(items[0], tmp_path)
    assert right(path, items.dicts[0])


def test_a_connection_that_always_breaks_keeps_what_came(
    items: Items, signed_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEODES_RETRIES", "1")
    signed_in.faults.truncate(times=-1, share=0.5)
    with pytest.raises(ServiceError, match="0 of 1 files are complete") as caught:
        gd.download(items[0], tmp_path)
    assert "running it again fetches only what is missing" in str(caught.value)
    (part,) = left_over(tmp_path)
    received = (tmp_path / part).stat().st_size
    assert received > 0
    signed_in.faults.clear()
    (path,) = gd.download(items[0], tmp_path)
    assert right(path, items.dicts[0])
    assert downloads(signed_in)[-1].headers["range"] == f"bytes={received}-"


def test_passing_errors_are_tried_again(items: Items, signed_in: StandIn, tmp_path: Path) -> None:
    signed_in.faults.fail("download", status=500, times=2)
    assert len(gd.download(items[:2], tmp_path)) == 2


def test_ctrl_c_keeps_what_came(items: Items, signed_in: StandIn, tmp_path: Path) -> None:
    """A real SIGINT to a real process in the middle of a transfer."""
    asset = items.dicts[0]["assets"]["data"]
    script = (
        "import json, sys\n"
        "import geodes_datalab as gd\n"
        "from geodes_datalab.stac.downloads import transfer\n"
        "transfer.CHUNK = 10_000\n"
        "gd.download(json.loads(sys.stdin.readline()), sys.argv[1])\n"
    )
    key = {"X-API-Key": signed_in.api_key}
    slow = SlowFile(requests.get(asset["href"], headers=key, timeout=minutes(2)).content)
    with slow as url:
        item = {**items.dicts[0], "assets": {"data": {**asset, "href": url}}}
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "GEODES_PORTAL": url.rpartition("/")[0]},
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(json.dumps(item) + "\n")
        process.stdin.flush()
        assert slow.half_sent.wait(minutes(2))
        part = tmp_path / f"{asset['title']}.part"
        eventually(lambda: part.stat().st_size > 0, "a part of the file")
        process.send_signal(2)
        slow.go_on.set()
        _, told = process.communicate(timeout=minutes(5))
        assert process.returncode != 0
    assert "KeyboardInterrupt" in told
    assert part.stat().st_size > 0
    assert not (tmp_path / asset["title"]).exists()


def test_kill_9_in_the_middle_loses_nothing(items: Items, tmp_path: Path) -> None:
    """A real SIGKILL; then the same line again asks for what is missing, and for nothing else."""
    generator = random.Random(9)
    content = generator.randbytes(6_000_000)
    asset = {
        **items.dicts[0]["assets"]["data"],
        "file:size": len(content), "geodes:md5": hashlib.md5(content).hexdigest(),
    }  # fmt: skip
    part = tmp_path / f"{asset['title']}.part"
    script = (
        "import json, sys\n"
        "import geodes_datalab as gd\n"
        "print(*gd.download(json.loads(sys.stdin.readline()), sys.argv[1]))\n"
    )
    with SlowFile(content) as url:
        item = {**items.dicts[0], "assets": {"data": {**asset, "href": url}}}
        settings = {**os.environ, "GEODES_PORTAL": url.rpartition("/")[0]}
        command = [sys.executable, "-c", script, str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=settings, text=True) as process:
            assert process.stdin is not None
            process.stdin.write(json.dumps(item) + "\n")
            process.stdin.flush()
            eventually(lambda: part.stat().st_size > 2_000_000, "a third of the file")
            process.kill()
    received = part.stat().st_size
    assert not (tmp_path / asset["title"]).exists()
    assert content.startswith(part.read_bytes())
    with SlowFile(content, slow=False) as url:
        item = {**items.dicts[0], "assets": {"data": {**asset, "href": url}}}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GEODES_PORTAL", url.rpartition("/")[0])
            (path,) = gd.download(item, tmp_path)
        assert SlowFile.asked == [f"bytes={received}-"]
    assert path.read_bytes() == content
    assert not left_over(tmp_path)


@pytest.mark.parametrize("lie", ["bytes 0-{last}/{size}", "bytes 5-{last}/{size}", ""])
def test_servers_that_answer_with_other_ranges(items: Items, tmp_path: Path, lie: str) -> None:
    content = random.Random(3).randbytes(300_000)
    asset = {
        **items.dicts[0]["assets"]["data"],
        "file:size": len(content), "geodes:md5": hashlib.md5(content).hexdigest(),
    }  # fmt: skip
    (tmp_path / f"{asset['title']}.part").write_bytes(content[:1000])
    with SlowFile(content, slow=False, lie=lie) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEODES_PORTAL", url.rpartition("/")[0])
        item = {**items.dicts[0], "assets": {"data": {**asset, "href": url}}}
        (path,) = gd.download(item, tmp_path)
    assert path.read_bytes() == content


def test_a_server_that_never_ends_is_cut_off(items: Items, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(5_000_000)
    asset = {**items.dicts[0]["assets"]["data"], "file:size": 100_000, "geodes:md5": None}
    with SlowFile(content, slow=False) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEODES_PORTAL", url.rpartition("/")[0])
        item = {**items.dicts[0], "assets": {"data": {**asset, "href": url}}}
        with pytest.raises(ChecksumError, match="100001 bytes instead of 100000"):
            gd.download(item, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_fetch_a_file_once(items: Items, signed_in: StandIn, tmp_path: Path) -> None:
    signed_in.faults.slow("download", seconds=1.5, times=1)  # patience: both are there by then
    script = (
        "import json, sys\n"
        "import geodes_datalab as gd\n"
        "print(*gd.download(json.loads(sys.stdin.readline()), sys.argv[1]))\n"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        assert process.stdin is not None
        process.stdin.write(json.dumps(items.dicts[0]) + "\n")
        process.stdin.flush()
    told = [process.communicate(timeout=minutes(5))[0].strip() for process in both]
    assert told[0] == told[1]
    assert right(Path(told[0]), items.dicts[0])
    assert len(downloads(signed_in)) == 1
    assert not left_over(tmp_path)


# refusals


def test_products_on_tape_are_named_and_the_others_come(signed_in: StandIn, tmp_path: Path) -> None:
    items = gd.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2022-04/..")
    text = f"1 of 3 products lie on tape: {TAPE}; the other 2 are downloaded"
    signed_in.faults.fail("download", status=404, times=-1)
    with pytest.warns(IncompleteResult, match=f"{text} now"), pytest.raises(RequestError):
        gd.download(items, tmp_path)  # told before the first byte, which never comes
    signed_in.faults.clear()
    with pytest.warns(IncompleteResult), pytest.raises(ProductOffline) as caught:
        gd.download(items, tmp_path)
    assert str(caught.value).startswith(text)
    assert "ask for them in the portal" in str(caught.value)
    assert len(list(tmp_path.glob("*.zip"))) == 2
    assert not left_over(tmp_path)
    offline = next(item["id"] for item in items.dicts if item["properties"]["identifier"] == TAPE)
    assert not [request for request in downloads(signed_in) if offline in request.path]


def test_availability(signed_in: StandIn) -> None:
    items = gd.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2022-04/..")
    told = stac.availability(items)
    assert [name for name, online in told.items() if not online] == [items.ids[-1]]
    assert items.available == told
    assert "on tape" in items._repr_html_()
    assert stac.availability(items[0]) == {items.ids[0]: True}
    assert {request.key for request in signed_in.requests.to("/fastavailability")} == {"valid"}


def test_what_is_online_is_a_list_of_items(signed_in: StandIn) -> None:
    items = gd.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2022-04/..")
    there = items.online()
    assert there.ids == items.ids[:-1]
    assert isinstance(there, stac.Items)
    assert there.available == items.available
    assert items[:0].online().ids == []


def test_an_item_that_is_not_there_is_told(portal: StandIn) -> None:
    items = gd.search("PEPS_S2_L1C", bbox=PATAGONIA, datetime="2022-04/..")
    with pytest.raises(IndexError, match=f"there is no item 90: there are {len(items)}"):
        items[90]
    with pytest.raises(NoSuchItem, match="widen the search"):
        items[:0][0]
    assert items[-1].id == items.ids[-1]
    assert [one.id for one in items] == items.ids


def test_many_products_are_asked_in_batches(served: Callable[..., StandIn]) -> None:
    portal = served(Catalogue.bulk(250))
    assert len(stac.availability(gd.search("PEPS_S2_L1C"))) == 250
    assert len(portal.requests.to("/fastavailability")) == 3


@pytest.mark.parametrize("answer", ["redirect", "401", "403"])
def test_a_wrong_key(
    signed_in: StandIn, items: Items, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    signed_in.settings.bad_key = answer  # type: ignore[assignment]
    monkeypatch.setenv("GEODES_API_KEY", "wr0ng-key")
    with pytest.raises(AuthenticationError) as caught:
        gd.download(items, tmp_path)
    assert "the API key was refused" in str(caught.value)
    assert "0 of 4 files are complete" in str(caught.value)
    assert "wr0ng-key" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_no_key(portal: StandIn, tmp_path: Path) -> None:
    items = gd.search("PEPS_S2_L1C", bbox=PATAGONIA, limit=1)
    portal.settings.bad_key = "401"
    with pytest.raises(AuthenticationError, match="this needs an API key"):
        gd.download(items, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", ["text", "json", "429"])
def test_an_exhausted_quota_keeps_what_is_done(
    signed_in: StandIn, items: Items, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setenv("GEODES_RETRIES", "0")
    signed_in.settings.quota_answer = answer  # type: ignore[assignment]
    signed_in.set_quota(2)
    with pytest.raises(QuotaError) as caught:
        gd.download(items, tmp_path, workers=1)
    assert "the download quota of this account is used up" in str(caught.value)
    assert f"2 of 4 files are complete in {tmp_path}" in str(caught.value)
    assert "wait for the next hour and run the same line again" in str(caught.value)
    assert len(list(tmp_path.iterdir())) == 2
    assert not left_over(tmp_path)
    signed_in.set_quota(100)
    before = len(downloads(signed_in))
    assert len(gd.download(items, tmp_path)) == 4
    assert len(downloads(signed_in)) == before + 2


def test_waiting_for_the_quota(
    signed_in: StandIn, items: Items, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geodes_datalab.stac.fetch.QUOTA_PAUSE", 0.2)
    signed_in.set_quota(2)
    with pytest.raises(QuotaError):
        gd.download(items, tmp_path, wait=0.5)
    assert len(signed_in.requests.to("/processing/download/get")) >= 2
    renewal = threading.Timer(1.0, signed_in.set_quota, [100])
    renewal.start()
    paths = gd.download(items, tmp_path, wait=60)
    renewal.join()
    assert all(right(path, item) for path, item in zip(paths, items.dicts, strict=True))
    assert [one.status for one in downloads(signed_in)].count(200) == 4


def test_what_the_quota_has_granted_is_received_whole(
    signed_in: StandIn, items: Items, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive has counted it: the refusal of another file does not cut it off."""
    asset = items.dicts[0]["assets"]["data"]
    key = {"X-API-Key": signed_in.api_key}
    slow = SlowFile(requests.get(asset["href"], headers=key, timeout=minutes(2)).content)
    signed_in.set_quota(1)
    monkeypatch.setattr(transfer, "CHUNK", 10_000)
    receive = fetch.transfer

    def in_turn(job: Job, *others: Any) -> Path:
        if job.path.name != asset["title"]:
            assert slow.half_sent.wait(minutes(2))
            # patience: whoever stops the others has done so by then
            threading.Timer(1.0, slow.go_on.set).start()
        return receive(job, *others)

    monkeypatch.setattr(fetch, "transfer", in_turn)
    with slow as url:
        first = {**items.dicts[0], "assets": {"data": {**asset, "href": url}}}
        with pytest.raises(QuotaError, match="1 of 4 files are complete"):
            gd.download([first, *items.dicts[1:]], tmp_path, workers=2)
    assert right(tmp_path / asset["title"], items.dicts[0])
    assert not left_over(tmp_path)


def test_a_message_in_place_of_the_file(signed_in: StandIn, tmp_path: Path) -> None:
    """An archive that says nothing of tapes, and answers 202 with JSON."""
    items = gd.search(ids=TAPE)
    item = {**items.dicts[0], "assets": {"data": {**items.dicts[0]["assets"]["data"], "roles": []}}}
    with pytest.raises(RequestError, match=r"sent a message instead of the file: .*on tape"):
        gd.download(item, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_files_are_fetched_twice_and_removed(
    signed_in: StandIn, items: Items, tmp_path: Path
) -> None:
    wrong = {**items.dicts[0]["assets"]["data"], "geodes:md5": "0" * 32}
    bad = {**items.dicts[0], "assets": {"data": wrong}}
    with pytest.raises(ChecksumError) as caught:
        gd.download([bad, items.dicts[1]], tmp_path)
    assert "is not what the catalogue announced: MD5" in str(caught.value)
    assert "1 of 2 files are complete" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [items.dicts[1]["assets"]["data"]["title"]]
    assert len([one for one in downloads(signed_in) if items.ids[0] in one.path]) == 2


def test_a_file_that_is_gone(signed_in: StandIn, items: Items, tmp_path: Path) -> None:
    data = items.dicts[0]["assets"]["data"]
    gone = {**items.dicts[0], "assets": {"data": {**data, "href": data["href"][:-4] + "0000"}}}
    with pytest.raises(RequestError, match="404"):
        gd.download([gone, items.dicts[1]], tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_an_archive_that_is_down(signed_in: StandIn, items: Items, tmp_path: Path) -> None:
    signed_in.faults.down()
    with pytest.raises(ServiceError, match="503"):
        gd.download(items, tmp_path)
    assert list(tmp_path.iterdir()) == []


# the disk


def test_space_is_checked_before_the_first_byte(
    signed_in: StandIn, items: Items, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(free=10**5))
    with pytest.raises(StorageError) as caught:
        gd.download(items, tmp_path)
    assert str(caught.value).startswith(
        f"the download needs 1.47 MB, but {tmp_path} has 100 kB left; nothing was fetched"
    )
    assert not downloads(signed_in)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up(items: Items, small_disk: Path) -> None:
    """A real file system of 500 kB, which lies about nothing but is filled meanwhile."""
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 200_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: Usage(free=10**9))
        with pytest.raises(StorageError) as caught:
            gd.download(items, small_disk)
    assert f"the disk of {small_disk} is full; the unfinished" in str(caught.value)
    assert "free some space, or give another folder" in str(caught.value)
    assert not left_over(small_disk)
    for path in small_disk.glob("*.zip"):
        item = next(one for one in items.dicts if one["assets"]["data"]["title"] == path.name)
        assert right(path, item)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("needs the program mount (Debian: mount)")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_without_rights_to_mount(items: Items, tmp_path: Path) -> None:
    """A limit on file sizes stands in for the disk: the write itself fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="cannot be written"):
            gd.download(items[0], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob("*.zip"))


def test_a_folder_that_cannot_be_made(items: Items, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match="cannot be written") as caught:
        gd.download(items[0], tmp_path / "file" / "below")
    assert "choose a folder" in str(caught.value)


# manners


@pytest.mark.parametrize("workers", [0, 9])
def test_only_so_many_at_a_time(items: Items, workers: int) -> None:
    with pytest.raises(InvalidQuery, match="from 1 to 8"):
        gd.download(items, workers=workers)


def test_the_progress_bar_counts_bytes(
    signed_in: StandIn, items: Items, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signed_in.faults.slow("download", seconds=0.7, times=1)  # patience: what is quick shows no bar
    gd.download(items, tmp_path, workers=1, progress=True)
    told = capsys.readouterr().err
    assert "downloading:" in told
    assert "B/s" in told


def test_nothing_to_do(signed_in: StandIn, tmp_path: Path) -> None:
    assert gd.download(Items(), tmp_path) == []


def test_the_key_goes_to_the_portal_only(
    signed_in: StandIn, items: Items, geodes_factory: Callable[..., StandIn], tmp_path: Path
) -> None:
    other = geodes_factory()
    data = items.dicts[0]["assets"]["data"]
    away = {
        **items.dicts[0],
        "assets": {"data": {**data, "href": data["href"].replace(signed_in.url, other.url)}},
    }
    other.settings.bad_key = "401"
    with pytest.raises(AuthenticationError):
        gd.download(away, tmp_path)
    assert {request.key for request in other.requests} == {"absent"}


class SlowFile:
    """A server of one file: slowly its first half, and the rest when it is told to."""

    asked: list[str | None] = []  # noqa: RUF012 - of the server that runs now

    def __init__(self, content: bytes, *, slow: bool = True, lie: str | None = None) -> None:
        self.content, self.slow, self.lie = content, slow, lie
        self.half_sent, self.go_on = threading.Event(), threading.Event()

    def __enter__(self) -> str:
        slow = self
        SlowFile.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer("application/json", b'{"products": []}')

            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                SlowFile.asked.append(asked)
                begin, size = int((asked or "0")[6:-1] or 0), len(slow.content)
                told = f"bytes {begin}-{size - 1}/{size}"
                content = slow.content[begin:]
                if asked and slow.lie is not None:
                    told = slow.lie.format(last=size - 1, size=size)
                    content = slow.content if " 0-" in told else slow.content[5:]
                self.answer("application/zip", content, told if asked else None)

            def answer(self, kind: str, content: bytes, told: str | None = None) -> None:
                self.send_response(206 if told is not None else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                if told:
                    self.send_header("Content-Range", told)
                self.end_headers()
                half = len(content) // 2
                with suppress(OSError):
                    self.wfile.write(content[:half])
                    self.wfile.flush()
                    if slow.slow and "zip" in kind:
                        slow.half_sent.set()
                        slow.go_on.wait(minutes(5))
                    self.wfile.write(content[half:])

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/file"

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

"""Names of downloaded files: no two share a place, and what is there is found again, whoever asks."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.file_server import Server, serving

import geodes_datalab as gd
from geodes_datalab.stac.downloads import marks, naming
from geodes_datalab.stac.fetch import _planned

# Odd on purpose: letters of either case and normal form, what cleaning removes, what is no name.
ODD = [
    "B02.tif", "b02.TIF", "B02.tif.", "B\u200b02.tif", "../B02.tif", "/etc/B02.tif", "x\\B02.tif",
    "\u00e9.tif", "e\u0301.tif", "\u00df.tif", "ss.tif", "", ".", "..", "...", "a b.tif", "\ud800.tif",
    "B02.tif.part", "B02.tif.part.part", "B02.TIF.PART", ".part", "one", "one.zip", "ONE.zip", "two",
    "n" * 260 + ".tif", "n" * 261 + ".tif", "\u00e9" * 130 + ".tif", "n" * 250, "n" * 251, "a.part/b.tif",
]  # fmt: skip
NAMES = st.sampled_from(ODD) | st.text(max_size=8)
HREFS = st.builds(
    "https://a.example/{}/{}{}".format,
    st.sampled_from(["1", "R10m", "R20m"]),
    st.sampled_from(["B02.tif", "b02.tif", "one", "data.part", "", "one.zip", "x" * 300]),
    st.sampled_from(["", "?a=1", "?a=2"]),
)
ASSETS = st.fixed_dictionaries({"href": HREFS}, optional={"title": NAMES})
ITEMS = st.builds(
    lambda name, title, assets: {
        "id": name, "properties": {"identifier": title} if title is not None else {}, "assets": assets,
    },
    NAMES, st.none() | NAMES, st.dictionaries(NAMES, ASSETS, min_size=1, max_size=4),
)  # fmt: skip


def folded(path: PurePosixPath) -> str:
    """As a disk of a Mac sees it: by other means than the code under test."""
    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())
    return unicodedata.normalize("NFC", text)


def names_of(items: list[dict[str, Any]], folder: Path = Path("/no/such/folder")) -> list[Path]:
    return [job.path.relative_to(folder) for job in _planned(items, folder, "all")]


def check_apart(paths: list[Path]) -> None:
    """No file, finished or not, is another one or the folder of another one."""
    needed = [{folded(path), folded(path.with_name(path.name + ".part"))} for path in paths]
    every = [one for both in needed for one in both]
    assert len(every) == len(set(every)), paths
    folders = {folded(above) for path in paths for above in path.parents if above.name}
    assert not folders & set(every), paths
    for path in paths:
        assert not path.is_absolute()
        assert not {"", ".", ".."} & set(path.parts)
        assert all(len(part.encode()) <= 255 - len(".part") for part in path.parts)
        assert not folded(path).endswith(".part")


def item(name: str, /, title: str | None = None, **assets: Any) -> dict[str, Any]:
    told = {"identifier": title} if title else {}
    return {"type": "Feature", "id": name, "properties": told, "assets": assets}


TWINS = item(
    "one",
    a={"href": "https://a.example/R10m/B02.jp2"},
    b={"href": "https://a.example/R20m/B02.jp2"},
)


@given(st.lists(ITEMS, min_size=1, max_size=6))
@example([TWINS])
@example([item("x", a={"href": "https://a.example/q?f=1"}, b={"href": "https://a.example/q?f=2"})])
@example([item("B02.tif", a={"href": "https://a.example/1/B02.tif"}),
          item("c", a={"href": "https://a.example/2/B02.tif"}),
          item("d", a={"href": "https://a.example/2/x", "title": "B02.tif.part"})])  # fmt: skip
def test_no_two_files_share_a_place(items: list[dict[str, Any]]) -> None:
    paths = names_of(items)
    hrefs = {asset["href"] for one in items for asset in one["assets"].values()}
    assert len(paths) == len(hrefs)  # one address, one file
    check_apart(paths)
    assert paths == names_of(items)


@given(st.lists(ITEMS, min_size=1, max_size=5))
def test_names_do_not_depend_on_the_order(items: list[dict[str, Any]]) -> None:
    hrefs = [asset["href"] for one in items for asset in one["assets"].values()]
    if len(hrefs) == len(set(hrefs)):  # else the last that has it names it
        assert sorted(names_of(items)) == sorted(names_of(items[::-1]))


def test_even_names_made_of_another_files_digest_are_apart() -> None:
    """Whoever writes an item knows its addresses, and may call a product what a digest would be."""
    twins = [{"href": f"https://a.example/{n}/B.tif", "title": "B.tif"} for n in (1, 2)]
    items = [item("i", "t", k=one) for one in twins]
    paths = names_of(items)
    assert {len(path.parts) for path in paths} == {2}
    evil = [
        item(str(n), path.parts[0], **{path.name: {"href": f"https://evil.example/{n}", "title": "B.tif"}})
        for n, path in enumerate(paths)
    ]  # fmt: skip
    check_apart(names_of([*items, *evil]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ({"title": "A.zip", "href": "https://a.example/1"}, "A.zip"),
        ({"title": "Blue", "href": "https://a.example/2/B02.jp2?sig=a/b"}, "B02.jp2"),
        ({"href": "https://a.example/download/B%2002.tif"}, "B%2002.tif"),
        ({"title": "n" * 246 + ".zip", "href": "https://a.example/1"}, "n" * 246 + ".zip"),
    ],
)  # fmt: skip
def test_names_that_are_unique_stay_what_they_were(name: dict[str, str], expected: str) -> None:
    other = item("other", data={"href": "https://a.example/other.zip"})
    assert names_of([item("one", data=name), other])[0] == Path(expected)


# what lies on the disk


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture(autouse=True)
def quick(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_PORTAL", server.url)
    monkeypatch.setenv("GEODES_BACKOFF", "0")


TOLD = ("all", "size", "nothing")


def described(server: Server, path: str, content: bytes, told: str) -> dict[str, Any]:
    server.files[path] = content
    facts: dict[str, Any] = {"href": f"{server.url}{path}"}
    if told != "nothing":
        facts["file:size"] = len(content)
    if told == "all":
        facts["geodes:md5"] = hashlib.md5(content).hexdigest()
    return facts


def read(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("noted", [True, False])
def test_two_files_of_one_name_in_one_item(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, noted: bool
) -> None:
    if not noted:
        monkeypatch.setattr(marks, "_MOST", 0)
    one = item(
        "one",
        fine=described(server, "/R10m/B02.jp2", b"fine", told),
        coarse=described(server, "/R20m/B02.jp2", b"coar", told),
    )
    together = gd.download(one, tmp_path, assets="all", workers=1)
    assert read(together) == [b"fine", b"coar"]
    count = len(server.asked)
    assert gd.download(one, tmp_path, assets=["fine"]) == together[:1]
    assert gd.download(one, tmp_path, assets=["coarse"]) == together[1:]
    assert gd.download(one, tmp_path, assets="all") == together
    assert len(server.asked) == count


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("noted", [True, False])
def test_files_of_one_name_in_calls_of_their_own(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, noted: bool
) -> None:
    """The second is not taken for the first, nor put in its place; later each is found."""
    if not noted:
        monkeypatch.setattr(marks, "_MOST", 0)
    items = [
        item(f"item-{n}", data=described(server, f"/{n}/B04.tif", b"%04d" % n, told))
        for n in range(3)
    ]
    for one in items:
        (path,) = gd.download(one, tmp_path, assets="data")
        assert path.read_bytes() == server.content(one["assets"]["data"]["href"])
    together = gd.download(items, tmp_path, assets="data")
    assert read(together) == [b"0000", b"0001", b"0002"]
    count = len(server.asked)
    assert gd.download(items, tmp_path, assets="data") == together
    for one, path in zip(items, together, strict=True):
        assert gd.download(one, tmp_path, assets="data") == [path]
    assert len(server.asked) == count


@pytest.mark.parametrize("told", TOLD)
def test_a_file_is_found_in_a_larger_call_and_damage_is_mended_in_place(
    server: Server, tmp_path: Path, told: str
) -> None:
    items = [
        item(f"item-{n}", data=described(server, f"/{n}/B04.tif", b"%04d" % n, told))
        for n in range(3)
    ]
    (alone,) = gd.download(items[1], tmp_path, assets="data")
    assert alone == tmp_path / "B04.tif"
    together = gd.download(items, tmp_path, assets="data")
    assert together[1] == alone
    assert read(together) == [b"0000", b"0001", b"0002"]
    alone.write_bytes(b"cut")
    assert gd.download(items[1], tmp_path, assets="data") == [alone]
    assert alone.read_bytes() == b"0001"


def test_an_address_that_is_signed_anew_is_the_same_file(server: Server, tmp_path: Path) -> None:
    facts = described(server, "/B04.tif", b"once", "nothing")
    first = gd.download(
        item("a", x={**facts, "href": facts["href"] + "?sig=1"}), tmp_path, assets="x"
    )
    again = gd.download(
        item("a", x={**facts, "href": facts["href"] + "?sig=2"}), tmp_path, assets="x"
    )
    assert first == again
    assert len(server.asked) == 1


def test_folders_of_former_versions_stay_what_they_are(server: Server, tmp_path: Path) -> None:
    """Written without notes: by name where it is the product's own, else by digest."""
    named = item("prod-a", data=described(server, "/prod-a.zip", b"zipa", "size"))
    common = item("prod-b", data=described(server, "/B04.tif", b"fine", "all"))
    (tmp_path / "prod-a.zip").write_bytes(b"zipa")
    (tmp_path / "prod-b").mkdir()
    (tmp_path / "prod-b" / "B04.tif").write_bytes(b"fine")
    paths = gd.download([named, common], tmp_path, assets="data")
    assert paths == [tmp_path / "prod-a.zip", tmp_path / "prod-b" / "B04.tif"]
    assert server.asked == []


@pytest.mark.parametrize("what", ["file", "folder", "part"])
def test_links_do_not_lead_out_of_the_folder(server: Server, tmp_path: Path, what: str) -> None:
    outside, home = tmp_path / "outside", tmp_path / "home"
    outside.mkdir()
    home.mkdir()
    secret = outside / "B04.tif"
    secret.write_bytes(b"keep")
    one = item("item-a", data=described(server, "/B04.tif", b"mine", "nothing"))
    two = item("item-b", data=described(server, "/2/B04.tif", b"next", "nothing"))
    if what == "folder":
        (home / "item-a").symlink_to(outside)
    else:
        (home / ("B04.tif" if what == "file" else "B04.tif.part")).symlink_to(secret)
    paths = gd.download([one, two], home, assets="data")
    assert read(paths) == [b"mine", b"next"]
    assert all(path.resolve().is_relative_to(home) for path in paths)
    assert read(list(outside.iterdir())) == [b"keep"]


def test_what_cleaning_leaves_nothing_of_gets_another_name() -> None:
    asset = {"href": "https://a.example/..", "title": ".."}
    assert naming.plain_name(asset) == "file"
    assert naming.plain_name({**asset, "title": "Picture"}) == "Picture"

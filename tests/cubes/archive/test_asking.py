"""Parts of a file of servers that misbehave: all its bytes, of one version, or what is the matter."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic

import pytest
from support.misbehaving import ALWAYS, Manner, State, misbehaving

from geodes_datalab import _http
from geodes_datalab._http import parts as short_way
from geodes_datalab.config import load
from geodes_datalab.cubes.archive.ranges import Span, WebFile, part
from geodes_datalab.cubes.archive.trouble import Changed, NoRanges
from geodes_datalab.errors import GeodesError, ServiceError

DATA, OTHER = random.Random(1).randbytes(700_000), random.Random(2).randbytes(700_000)
TIMEOUT = 0.3

Serve = Callable[[Manner], tuple[WebFile, State, State]]


@pytest.fixture(params=["short", "careful"])
def serve(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return a function that serves a file; it is asked for by the short way, or by the careful one."""
    with ExitStack() as stack:
        client = stack.enter_context(_http.Client(load(backoff=0.001, retries=2, timeout=TIMEOUT)))
        if request.param == "careful":
            monkeypatch.setattr(short_way.ShortWay, "fetch", lambda *_: None)

        def start(manner: Manner) -> tuple[WebFile, State, State]:
            state, store = stack.enter_context(misbehaving(manner, {"a": (DATA, OTHER)}))
            return WebFile(client, f"{state.url}/a", len(DATA)), state, store

        yield start


SOUND = {
    "as it should be": Manner(),
    "shorter than asked": Manner(most=100_000),
    "cut once": Manner(cuts=1),
    "cut once before anything came": Manner(cuts=1, cut_after=0),
    "cut always": Manner(cuts=ALWAYS, cut_after=300_000),
    "chunked": Manner(length="chunked"),
    "chunked and cut": Manner(length="chunked", cuts=1),
    "until it closes": Manner(length="till closed"),
    "until it closes and cut": Manner(length="till closed", cuts=1),
    "HEAD is refused": Manner(head=403),
    "slow": Manner(pause=0.02),
    "500 once": Manner(status=500, times=1),
    "429 once": Manner(status=429, times=1, retry_after="0"),
    "elsewhere": Manner(away=True),
    "no version": Manner(version=""),
}


@pytest.mark.parametrize("manner", SOUND.values(), ids=SOUND)
def test_all_bytes_come(serve: Serve, manner: Manner) -> None:
    file, state, _ = serve(manner)
    assert part(file, 0, len(DATA)) == DATA
    assert file.parts([Span(5, 9), Span(600_000, 700_000)]) == [DATA[5:9], DATA[600_000:]]
    assert {one.method for one in state.asked} == {"GET"}


def test_only_the_rest_is_asked_for(serve: Serve) -> None:
    file, state, _ = serve(Manner(cuts=1, cut_after=2**18))
    assert part(file, 100, len(DATA)) == DATA[100:]
    asked = [one.headers["range"] for one in state.asked]
    assert asked == [f"bytes=100-{len(DATA) - 1}", f"bytes={100 + 2**18}-{len(DATA) - 1}"]


REFUSED = {
    "another place": (Manner(ranges="elsewhere"), "Content-Range"),
    "nothing comes": (Manner(cuts=ALWAYS, cut_after=0), "broke off"),
    "silent": (Manner(hangs="before"), "did not answer in time"),
    "silent within": (Manner(hangs="within", cut_after=400), "did not go on with its answer in time"),
    "500 always": (Manner(status=500, times=ALWAYS), "answered 500"),
    "503 always": (Manner(status=503, times=ALWAYS), "answered 503"),
}  # fmt: skip


@pytest.mark.parametrize(("manner", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_the_matter_is_told(serve: Serve, manner: Manner, said: str) -> None:
    """And a server that is down is not taken for one that cannot send parts: whole archives would come."""
    file, _, _ = serve(manner)
    with pytest.raises(ServiceError, match=said):
        part(file, 0, 1000)


@pytest.mark.parametrize("hangs", ["before", "within"])
def test_silence_is_not_waited_for_long(serve: Serve, hangs: str) -> None:
    file, state, _ = serve(Manner(hangs=hangs, cut_after=0))
    begun = monotonic()
    with pytest.raises(ServiceError):
        part(file, 0, 1000)
    assert len(state.asked) <= 4  # once by the short way, and thrice
    assert monotonic() - begun > TIMEOUT


WHOLE = {
    "ignored": Manner(ranges="ignored"),
    "200 for a part": Manner(ranges="as whole"),
    "no place": Manner(ranges="no place"),
    "several parts": Manner(ranges="several"),
    "packed": Manner(packed=True),
    "416": Manner(status=416, times=ALWAYS, only_ranges=True),
    "500 for ranges": Manner(status=500, times=ALWAYS, only_ranges=True),
    "501 for ranges": Manner(status=501, times=ALWAYS, only_ranges=True),
}


@pytest.mark.parametrize("manner", WHOLE.values(), ids=WHOLE)
def test_servers_that_send_whole_files_only_are_known(serve: Serve, manner: Manner) -> None:
    file, _, _ = serve(manner)
    with pytest.raises(NoRanges):
        part(file, 100, 1000)


def test_one_that_came_back_while_it_was_asked_sends_parts(serve: Serve) -> None:
    file, _, _ = serve(Manner(status=500, times=3, only_ranges=True))
    assert part(file, 100, 1000) == DATA[100:1000]


@pytest.mark.parametrize("version", ["tag", "weak tag", "date"])
def test_versions_are_not_mixed(serve: Serve, version: str) -> None:
    file, _, _ = serve(Manner(version=version, changes=1))
    assert part(file, 0, 10) == DATA[:10]
    with pytest.raises(Changed, match="version"):
        part(file, 10, 20)


def test_the_rest_is_of_the_same_version(serve: Serve) -> None:
    file, _, _ = serve(Manner(changes=1, most=1000))
    with pytest.raises(Changed, match="version"):
        part(file, 0, 5000)


def test_another_size_is_another_version(serve: Serve) -> None:
    file, state, _ = serve(Manner(version="", changes=1))
    state.files["a"] = (DATA, DATA[:-1])
    assert part(file, 0, 10) == DATA[:10]
    with pytest.raises(Changed, match="699999 bytes instead of 700000"):
        part(file, 10, 20)


def test_an_address_that_expired_is_asked_for_anew(serve: Serve) -> None:
    file, state, store = serve(Manner(away=True))
    assert part(file, 0, 10) == DATA[:10]
    begun = len(state.asked)
    assert part(file, 10, 20) == DATA[10:20]
    assert len(state.asked) == begun  # it is remembered where it is
    state.signature = store.signature = "signature=an0ther"
    assert part(file, 20, 30) == DATA[20:30]
    assert len(state.asked) > begun


def test_no_signature_is_told(serve: Serve) -> None:
    file, state, store = serve(Manner(away=True))
    store.manner = Manner(status=500, times=ALWAYS)
    with pytest.raises(GeodesError) as error:
        part(file, 0, 10)
    assert "s1gned" not in repr(error.value)
    assert state.asked

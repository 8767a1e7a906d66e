"""Several catalogues asked side by side, of which some misbehave."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from bad_manners import Api, scene, serving
from support.waiting import minutes

from geodes_datalab import errors, stac
from geodes_datalab.stac.federation import federate
from geodes_datalab.stac.federation.merge import ALTERNATES, SOURCE
from geodes_datalab.stac.federation.sources import Source, asked, source, sources
from geodes_datalab.stac.query.canonical import Query

NAME = "S2B_MSIL2A_{day}T105339_N0400_R051_T31TCJ_{day}T130000"


def product(day: int) -> str:
    return NAME.format(day=f"202201{day:02d}")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Api]]:
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "2")
    with ExitStack() as servers:
        yield lambda items: servers.enter_context(serving(items))


def named(name: str, api: Api, **told) -> Source:
    return Source(
        name, name, api.url, timeout=told.pop("timeout", 20.0), collections={"s2": "c"}, **told
    )


def test_each_answers_for_itself_and_nothing_is_hidden(start) -> None:
    """429 and then fine, 504, one that hangs, one that loses its pages, one that repeats itself."""
    scenes = [scene(product(day), day=f"2022-01-{day:02d}") for day in range(1, 6)]
    fine, broken, hanging, short, twice = (start(scenes[: 5 - at]) for at in range(5))
    fine.refuse, broken.always = [429], 504
    hanging.hang = threading.Event()
    short.page, short.lost_next = 1, True
    twice.items, twice.page, twice.repeat = scenes[:3], 2, True
    apis = {"fine": fine, "broken": broken, "hanging": hanging, "short": short, "twice": twice}
    chosen = [
        named(name, api, timeout=3.0 if name == "hanging" else 60.0) for name, api in apis.items()
    ]
    begun = time.monotonic()
    with pytest.warns(errors.IncompleteResult, match="broken: failed"):
        items = stac.search("s2", sources=chosen)
    took = time.monotonic() - begun
    hanging.hang.set()
    told = {one.source: (one.state, one.kind, one.returned) for one in items.report}
    assert told == {
        "fine": ("ok", "", 5), "broken": ("failed", "server", 0), "hanging": ("failed", "timeout", 0),
        "short": ("partial", "server", 1), "twice": ("ok", "", 3),
    }  # fmt: skip
    assert took < 30  # by the deadline of the one that hangs, whose server would wait for a minute
    assert [one["id"] for one in items.dicts] == [product(day) for day in range(1, 6)]
    assert [copy["source"] for copy in items.dicts[0][ALTERNATES]] == ["short", "twice"]
    assert items.report["twice"].notes == ("1 items came more than once",)
    assert "hanging" in items._repr_html_()
    assert "hanging: failed" in repr(items)


def test_where_all_fail_it_is_an_error_and_with_strict_where_one_does(start) -> None:
    good, bad = start([scene(product(1))]), start([])
    bad.always = 503
    chosen = [named("good", good), named("bad", bad)]
    with pytest.raises(errors.ServiceError, match="the catalogues did not answer: bad: failed"):
        stac.search("s2", sources=chosen[1:])
    with pytest.raises(errors.ServiceError, match="bad"):
        stac.search("s2", sources=chosen, strict=True)
    with pytest.warns(errors.IncompleteResult):
        assert len(stac.search("s2", sources=chosen)) == 1


def test_an_empty_answer_stays_empty_and_is_no_failure(start) -> None:
    empty, full = start([]), start([scene(product(1))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        items = stac.search("s2", sources=[named("empty", empty), named("full", full)])
    assert [(one.source, one.state, one.returned) for one in items.report] == [
        ("empty", "ok", 0),
        ("full", "ok", 1),
    ]
    assert items.report.is_complete


def test_conditions_that_a_catalogue_cannot_search_by_are_tried_here_and_told(start) -> None:
    api = start([scene(product(1), clouds=5.0), scene(product(2), clouds=50.0)])
    api.queries = False
    items = stac.search("s2", sources=[named("plain", api)], cloud_cover=20)
    assert items.ids == [product(1)]
    assert items.report["plain"].notes == ("eo:cloud_cover tried here: it cannot search by that",)


def test_requests_a_second_are_kept(start) -> None:
    api = start([scene(f"x{number}") for number in range(6)])
    api.page = 1
    begun = time.monotonic()
    stac.search("s2", sources=[named("slow", api, rate=20.0, page_size=1)])
    assert len(api.moments) == 6
    # None may come before its turn, as the server counts; a busy machine can only make it later.
    assert all(moment - begun >= turn / 20 for turn, moment in enumerate(api.moments))


def test_the_limit_is_of_the_whole(start) -> None:
    one, other = (
        start([scene(f"{name}{number}", day=f"2022-01-0{number}") for number in range(1, 5)])
        for name in "ab"
    )
    items = stac.search("s2", sources=[named("one", one), named("other", other)], limit=3)
    assert items.ids == ["a1", "b1", "a2"]


def test_names_are_those_that_sources_share() -> None:
    chosen = [source("geodes"), source("cdse"), source("planetary-computer")]
    assert asked(["sentinel-2-l1c"], chosen) == {
        "geodes": ("PEPS_S2_L1C",), "cdse": ("sentinel-2-l1c",), "planetary-computer": (),
    }  # fmt: skip
    assert asked(["PEPS_S2_L1C"], chosen)["geodes"] == ("PEPS_S2_L1C",)
    with pytest.raises(errors.UnknownCollection, match='"sentinel-1-rtc" is in planetary-computer'):
        asked(["sentinel-1-rtc"], chosen[:2])
    with pytest.raises(errors.UnknownCollection, match="sentinel-2-l2a"):
        asked(["sentinel-2-l2"], chosen)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sources": ["cdes"]}, '"cdse"'),
        ({"sources": []}, "no catalogue is given"),
        ({"sources": ["cdse", "cdse"]}, "cdse is given twice"),
        ({"sources": ["cdse"], "catalogue": "geodes"}, "keep one of them"),
        ({"sources": ["wekeo"], "collections": "sentinel-2-l1c"}, "hda, which is not spoken here yet"),
        ({"sources": ["cdse"], "collections": None}, "asked for no collection"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(given, said) -> None:
    with pytest.raises(errors.InvalidQuery, match=said):
        stac.search(given.pop("collections", "sentinel-2-l2a"), **given)


def test_sources_show_what_they_hold_and_need() -> None:
    page = sources()._repr_html_()
    assert "Copernicus Data Space" in page
    assert "an OIDC token" in page
    assert all(one.url or one.id == "geodes" for one in sources())


def test_items_say_whose_they_are(start) -> None:
    items = stac.search("s2", sources=[named("one", start([scene("x")]))])
    assert items.dicts[0]["properties"][SOURCE] == "one"
    assert items[:1].report is items.report


def test_what_comes_after_the_deadline_changes_nothing(start) -> None:
    """It comes, in its own thread, while another catalogue may still be waited for."""
    api = start([scene("late")])
    api.hang = threading.Event()
    late = named("late", api, timeout=0.5)  # patience: the deadline is what is tested
    task = federate._Task(late, ["c"], Query(("c",)))
    ended = task.outcome()
    api.hang.set()
    task.thread.join(minutes(1))
    assert not task.thread.is_alive()
    assert task.outcome() == ended
    assert (ended[0], ended[1].state, ended[1].kind) == ([], "failed", "timeout")

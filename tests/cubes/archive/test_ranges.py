"""Parts of files: merged, split, kept; and servers that refuse, lie, throttle or break off."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodes_datalab.cubes.archive import ranges
from geodes_datalab.cubes.archive.accounting import counted
from geodes_datalab.cubes.archive.ranges import (
    FileBytes,
    Kept,
    Section,
    Span,
    WebFile,
    merged,
    part,
)
from geodes_datalab.cubes.archive.trouble import Changed, NoRanges
from geodes_datalab.errors import ArchiveError

DATA = random.Random(1).randbytes(300_000)
spans_of_data = st.lists(
    st.tuples(st.integers(0, len(DATA)), st.integers(0, 90_000)).map(
        lambda pair: Span(pair[0], min(sum(pair), len(DATA)))
    ),
    max_size=8,
)


def cut(spans) -> list[bytes]:
    return [DATA[span.begin : span.end] for span in spans]


@given(spans=spans_of_data, gap=st.integers(0, 50_000))
def test_merging_loses_nothing_and_keeps_gaps(spans, gap: int) -> None:
    joined = merged(spans, gap)
    assert all(
        any(one.begin <= span.begin and span.end <= one.end for one in joined) for span in spans
    )
    assert all(before.end + gap < after.begin for before, after in itertools.pairwise(joined))


@given(spans=spans_of_data)
def test_parts_of_a_web_file(depot, client, spans) -> None:
    """Also where a part is longer than one request may be."""
    file = WebFile(client, depot.put("a", DATA), len(DATA))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "PIECE", 10_000)
        patch.setattr(ranges, "GAP", 500)
        assert file.parts(spans) == cut(spans)


def test_no_more_requests_at_a_time_than_allowed(depot, client) -> None:
    file = WebFile(client, depot.put("a", DATA), len(DATA))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranges, "PIECE", 2_000)
        assert part(file, 0, len(DATA)) == DATA
    assert len(depot.spans) == 150
    assert 1 < depot.most_at_once <= client.config.max_requests


def test_what_was_read_is_counted(depot, client) -> None:
    url = depot.put("a", DATA)
    with counted() as tally:
        WebFile(client, url, len(DATA)).parts([Span(0, 100), Span(200_000, 200_100)])
    assert (tally.requests, tally.received, tally.whole) == (2, 200, {url: len(DATA)})
    WebFile(client, url, len(DATA)).parts([Span(0, 1)])
    assert tally.requests == 2


@given(spans=spans_of_data)
def test_sections_and_kept_parts(memory, spans) -> None:
    inner = memory(b"before" + DATA + b"after")
    file = Kept(Section(inner, 6, len(DATA)), [(0, DATA[:5000])])
    assert file.parts(spans) == cut(spans)
    received = inner.received
    assert file.parts(spans) == cut(spans)
    assert inner.received == received


def test_files_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(DATA)
    file = FileBytes(path)
    assert file.parts([Span(5, 9), Span(0, len(DATA))]) == [DATA[5:9], DATA]
    path.write_bytes(DATA[:100])
    with pytest.raises(ArchiveError, match="became shorter"):
        part(file, 0, 200)


@pytest.mark.parametrize("span", [Span(-1, 5), Span(5, 4), Span(0, len(DATA) + 1)])
def test_nothing_outside_of_a_file_is_asked_for(depot, client, memory, span: Span) -> None:
    for file in (WebFile(client, depot.put("a", DATA), len(DATA)), Section(memory(DATA), 0, len(DATA))):  # fmt: skip
        with pytest.raises(ArchiveError, match="are asked for"):
            file.parts([span])
    assert depot.spans == []


def whole(begin, end, data):
    return 200, {}, data


def no_header(begin, end, data):
    return 206, {}, data[begin:end]


def packed(begin, end, data):
    told = f"bytes {begin}-{end - 1}/{len(data)}"
    return 206, {"Content-Range": told, "Content-Encoding": "gzip"}, data[begin:end]


@pytest.mark.parametrize("fault", [whole, no_header, packed])
def test_servers_without_honest_ranges(depot, client, fault) -> None:
    file = WebFile(client, depot.put("a", DATA), len(DATA))
    depot.fault = fault
    with pytest.raises(NoRanges):
        part(file, 100, 200)


def test_more_bytes_than_asked_for_are_left(depot, client) -> None:
    file = WebFile(client, depot.put("a", DATA), len(DATA))
    depot.fault = lambda begin, end, data: (
        206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}, data[begin:])  # fmt: skip
    assert part(file, 10, 1000) == DATA[10:1000]


def test_a_file_that_becomes_another_one(depot, client) -> None:
    url = depot.put("a", DATA, '"1"')
    file = WebFile(client, url, len(DATA))
    assert part(file, 0, 10) == DATA[:10]
    assert file.etag == '"1"'
    depot.put("a", DATA[::-1], '"2"')
    with pytest.raises(Changed, match="version"):
        part(file, 0, 10)
    with pytest.raises(Changed, match="version"):
        part(WebFile(client, url, len(DATA), '"1"'), 0, 10)
    with pytest.raises(Changed, match="300000 bytes instead of 200000"):
        part(WebFile(client, url, 200_000), 0, 10)

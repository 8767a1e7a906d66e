"""Warnings from threads that read, while other threads hide warnings for a moment."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from geodes_datalab.cubes import notice
from geodes_datalab.errors import SkippedData


@contextmanager
def hidden() -> Iterator[None]:
    """Hide all warnings, as rasterio does for a moment where it warps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(autouse=True)
def without_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "PATIENCE", 0.0)


def test_a_read_that_was_given_up_and_goes_on_hides_no_later_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notice, "_readers", 0)
    monkeypatch.setattr(notice, "_before", "heard")
    lingering = notice.reading()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with hidden():
            lingering.__enter__()  # begun in another thread's moment; Ctrl-C does not end it
        with notice.reading(), hidden():
            notice.warn_from_thread("a file was left out", SkippedData)
        lingering.__exit__(None, None, None)
    assert [str(one.message) for one in caught] == ["a file was left out"]


def test_what_the_user_hides_stays_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "_readers", 0)
    monkeypatch.setattr(notice, "_before", "heard")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with hidden(), notice.reading(), notice.reading():
            notice.warn_from_thread("a file was left out", SkippedData)
    assert caught == []

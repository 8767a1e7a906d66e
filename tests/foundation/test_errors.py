"""The error tree: drawn truly, and every message tells what to do."""

from __future__ import annotations

import inspect
import re

import pytest

from geodes_datalab import errors


def _classes() -> dict[str, type]:
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }


def test_the_tree_in_the_docstring_names_every_class() -> None:
    drawn = set(re.findall(r"[|`]-- (\w+)|^    (Geodes\w+)", errors.__doc__ or "", re.MULTILINE))
    assert {a or b for a, b in drawn} == set(_classes())


def test_every_class_descends_from_the_base() -> None:
    for name, value in _classes().items():
        base = errors.GeodesWarning if issubclass(value, Warning) else errors.GeodesError
        assert issubclass(value, base), name


@pytest.mark.parametrize(
    "name", [n for n, c in _classes().items() if issubclass(c, errors.GeodesError)]
)
def test_the_hint_is_part_of_the_text(name: str) -> None:
    error = _classes()[name]("it broke", "mend it")
    assert str(error) == "it broke\n  What to do: mend it"
    assert str(_classes()[name]("it broke")) == "it broke"


def test_near_words_ignore_case_and_keep_the_known_spelling() -> None:
    assert errors.near("peps_s2_l1", ["PEPS_S2_L1C", "SWH"]) == 'did you mean "PEPS_S2_L1C"?'
    assert errors.near("zzz", ["PEPS_S2_L1C"]) == ""

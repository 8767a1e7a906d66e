"""The French catalogue says what the code says: all of it, with the same fields, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support import catalogue, messages

pytestmark = pytest.mark.parametrize("language", catalogue.LANGUAGES)

UPDATE = "run python tests/support/catalogue.py"


def entries(language: str) -> Any:
    return [one for one in catalogue.read(catalogue.source(language), language) if one.id]


def test_the_extractor_follows_the_code(language: str) -> None:
    found = messages.errors()
    assert "there are no items to load" in found
    assert "unknown period {period}" in found  # an f-string
    assert "several clusters begin with {name}" in found  # a choice inside an f-string
    assert "did you mean {value}?" in found  # a function that the hint calls
    assert found['there is no collection "{index}" here'] == {"stac"}
    assert "{names} and {value} more" in found  # a function called inside an f-string
    assert len(found) > 700


def test_nothing_is_missing_and_nothing_is_left_over(language: str) -> None:
    there = catalogue.pairs(catalogue.read(catalogue.source(language), language))
    said = catalogue.pairs(catalogue.wanted(language))
    assert not sorted(map(str, said.keys() - there.keys())), UPDATE
    assert not sorted(map(str, there.keys() - said.keys())), UPDATE


def test_everything_is_translated(language: str) -> None:
    missing = catalogue.untranslated(catalogue.read(catalogue.source(language), language))
    assert not [one.id for one in missing]


def test_translations_have_the_fields_of_what_they_translate(language: str) -> None:
    wrong = {}
    for entry in entries(language):
        english = catalogue.first(entry.id)
        fields = catalogue.fields(english)
        for told in catalogue.forms(entry):
            lost = fields ^ catalogue.fields(told)
            if lost - catalogue.endings(english):
                wrong[english] = told
    assert not wrong


def test_what_gettext_reads_is_what_translators_wrote(language: str) -> None:
    written = catalogue.pairs(catalogue.read(catalogue.source(language), language))
    assert catalogue.read_compiled(language) == written, UPDATE


def test_code_in_sentences_stays_code(language: str) -> None:
    """Names that somebody is told to type are not translated."""
    typed = re.compile(
        r"geodes_datalab\.\w+\(|\b[a-z_]+\.[a-z_]+\(|\bGEODES_[A-Z_]+|https?://[\w.-]+cnes\.fr"
    )
    wrong = {}
    for entry in entries(language):
        names = set(typed.findall(catalogue.first(entry.id)))
        for told in catalogue.forms(entry):
            if lost := {name for name in names if name not in told}:
                wrong[catalogue.first(entry.id)] = lost
    assert not wrong


def test_punctuation_is_french(language: str) -> None:
    """A no-break space stands before double signs; none stands in what is to be typed."""
    broken = [
        told
        for entry in entries(language)
        for told in catalogue.forms(entry)
        if re.search(r" [:;?!](\s|$)|\s\s|\u00a0(?![:;?!%»])(?<!«\u00a0)", told)
    ]
    assert not broken

"""The French catalogues say what code and templates say: all of it, with the same fields, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support import catalogue, messages

pytestmark = [
    pytest.mark.parametrize("language", catalogue.LANGUAGES),
    pytest.mark.parametrize("domain", catalogue.DOMAINS, ids=lambda domain: domain.name),
]

TAG = re.compile(r"</?[a-z]+[^<>]*>")
UPDATE = "run python scripts/make_messages.py"


def entries(domain: catalogue.Domain, language: str) -> Any:
    return [one for one in domain.read(language) if one.id]


def test_the_extractor_follows_the_code(domain: catalogue.Domain, language: str) -> None:
    if domain is catalogue.PAGES:
        found = {catalogue.first(text) for text, _, _ in domain.said()}
        assert {"Not Found", "Sign in", "This page needs JavaScript."} <= found
        return
    found = messages.errors()
    assert "there are no items to load" in found
    assert "unknown period {period}" in found  # an f-string
    assert "several clusters begin with {name}" in found  # a choice inside an f-string
    assert "did you mean {value}?" in found  # a function that the hint calls
    assert found['there is no collection "{index}" here'] == {"stac"}
    assert "{names} and {value} more" in found  # a function called inside an f-string
    assert len(found) > 700


def test_nothing_is_missing_and_nothing_is_left_over(
    domain: catalogue.Domain, language: str
) -> None:
    there = catalogue.pairs(domain.read(language))
    said = catalogue.pairs(domain.wanted(language))
    assert not sorted(map(str, said.keys() - there.keys())), UPDATE
    assert not sorted(map(str, there.keys() - said.keys())), UPDATE


def test_everything_is_translated(domain: catalogue.Domain, language: str) -> None:
    missing = catalogue.untranslated(domain.read(language))
    assert not [one.id for one in missing]


def test_translations_have_the_fields_of_what_they_translate(
    domain: catalogue.Domain, language: str
) -> None:
    wrong = {}
    for entry in entries(domain, language):
        ids = [entry.id] if isinstance(entry.id, str) else list(entry.id)
        for number, told in enumerate(catalogue.forms(entry)):
            english = ids[min(number, len(ids) - 1)]
            lost = catalogue.fields(english) ^ catalogue.fields(told)
            if lost - catalogue.endings(english):
                wrong[english] = told
            if sorted(TAG.findall(told)) != sorted(TAG.findall(english)):
                wrong[english] = told
    assert not wrong


def test_what_gettext_reads_is_what_translators_wrote(
    domain: catalogue.Domain, language: str
) -> None:
    written = catalogue.pairs(domain.read(language))
    assert catalogue.read_compiled(domain.source(language).with_suffix(".mo")) == written, UPDATE


def test_code_in_sentences_stays_code(domain: catalogue.Domain, language: str) -> None:
    """Names that somebody is told to type are not translated."""
    typed = re.compile(
        r"geodes_datalab\.\w+\(|\b[a-z_]+\.[a-z_]+\(|\bGEODES_[A-Z_]+|https?://[\w.-]+cnes\.fr"
    )
    wrong = {}
    for entry in entries(domain, language):
        names = set(typed.findall(catalogue.first(entry.id)))
        for told in catalogue.forms(entry):
            if lost := {name for name in names if name not in told}:
                wrong[catalogue.first(entry.id)] = lost
    assert not wrong


def test_punctuation_is_french(domain: catalogue.Domain, language: str) -> None:
    """A no-break space stands before double signs; none stands in what is to be typed."""
    broken = [
        told
        for entry in entries(domain, language)
        for told in catalogue.forms(entry)
        if re.search(r" [:;?!](\s|$)|\S[ \u00a0]{2}|\u00a0(?![:;?!%»])(?<!«\u00a0)", told)
    ]
    assert not broken

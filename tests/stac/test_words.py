"""Words find collections in English and French, those first that are named so."""

from __future__ import annotations

import pytest

from geodes_datalab import _language, stac
from geodes_datalab.stac.shipped import shipped
from geodes_datalab.stac.words import singular, squashed, synonyms, terms


@pytest.mark.parametrize(
    ("french", "english"),
    [
        ("neige", "snow"),
        ("NEIGE", "snow"),
        ("eau", "water"),
        ("forêt", "forest"),
        ("forets", "forest"),
        ("vents", "wind"),
        ("vent", "wind"),
        ("nuages", "clouds"),
        ("niveaux d'eau", "water level"),
        ("le niveau d\u2019eau", "water levels"),
        ("qualité de l'eau", "water quality"),
        ("humidité des sols", "soil moisture"),
        ("occupation du sol", "land cover"),
        ("vagues", "waves"),
        ("série temporelle", "time series"),
        ("géoïde grace", "geoid grace"),
        ("indice foliaire", "leaf area index"),
        ("interférogrammes", "interferogram"),
        ("glissements de terrain", "landslides"),
        ("précipitations", "rain"),
    ],
)
def test_french_finds_what_english_finds(french: str, english: str) -> None:
    found = stac.collections(french)
    assert found.ids == stac.collections(english).ids
    assert found, english


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("neige", "THEIA_REFLECTANCE_LANDSAT5_L2A"),
        ("niveaux d'eau", "PEPS_S3_L1"),
        ("wave", "PEPS_S1_L2"),
        ("qualité de l'eau", "THEIA_WATERQUAL_SENTINEL2_L2B"),
        ("occupation des sols", "THEIA_OSO_RASTER_L3B"),
        ("séries temporelles", "FLATSIM_TIMESERIE"),
    ],
)
def test_what_is_named_so_comes_first(text: str, first: str) -> None:
    assert stac.collections(text)[0].id == first


@pytest.mark.parametrize("text", ["sentinel-2", "Sentinel 2", "sentinel2", "landsat-8", "spot-5"])
def test_a_satellite_finds_its_own_products(text: str) -> None:
    found = stac.collections(text)
    wanted = squashed(text)
    ours = {one.id for one in shipped() if wanted in squashed(one.constellation or "")}
    assert ours <= set(found.ids)
    if " " not in text:  # two words may be found apart
        assert all(wanted in squashed(f"{one.constellation}{one.keywords}") for one in found)


def test_a_short_word_is_no_beginning_of_another() -> None:
    assert "L2A_CNES_SAGSA_GGM_SVD_1MONTH" not in stac.collections("sol").ids  # a solution
    assert stac.collections("sol").ids == stac.collections("soil").ids


def test_every_synonym_leads_to_the_others() -> None:
    known = synonyms()
    for word, same in known.items():
        assert word in same
        assert all(word in known[other] for other in same)
    assert all(len(same) > 1 for same in known.values())


def test_little_words_and_apostrophes() -> None:
    assert terms("niveau d'eau") == terms("les niveaux de l\u2019eau")
    assert terms("de la")  # they are all that was typed
    assert [singular(word) for word in ("eaux", "glass", "gps", "levels")] == [
        "eau", "glass", "gps", "level",
    ]  # fmt: skip


def test_an_empty_result_says_what_to_try() -> None:
    found = stac.collections("swot")
    page = found._repr_html_()
    for text in (page, repr(found)):
        assert "Did you mean" in text
        assert "0 collections about" in text
        assert "water level" in text
    assert 'geodes_datalab.collections("swot", catalogue="geodes")' in repr(found)
    assert "<table" not in page
    assert "fewer words" in repr(stac.collections("sentinel-2 interferogram"))


def test_what_was_typed_is_escaped() -> None:
    assert "<script>" not in stac.collections("<script>alert(1)</script>")._repr_html_()


def test_it_says_so_in_french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")
    _language.use(None)
    page = stac.collections("neige")._repr_html_()
    assert "5 collections pour «\u00a0neige\u00a0»" in page
    assert ">lu par<" in page
    assert ">documenté<" in page
    empty = repr(stac.collections("swot"))
    assert "Vouliez-vous dire" in empty
    assert "neige, niveau d'eau" in empty

"""Errors and tables in French: what a person sees; programs and logs go on reading English."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import geodes_datalab as gd
from geodes_datalab import _display, _language, _tracebacks, errors
from geodes_datalab._language import gettext, ngettext, quantity, translated
from geodes_datalab.cli import main

VARIABLES = ("GEODES_DATALAB_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def nothing_chosen() -> Any:
    _language.use(None)
    yield
    _language.use(None)


@pytest.fixture
def french(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "fr")


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_CA@euro"}, "fr"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "fr_FR"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANGUAGE": "de:fr:en", "LANG": "de_DE.UTF-8"}, "fr"),
        ({"LANGUAGE": "en:fr", "LANG": "fr_FR.UTF-8"}, "en"),
        ({"GEODES_DATALAB_LANGUAGE": "en", "LANG": "fr_FR.UTF-8"}, "en"),
        ({"GEODES_DATALAB_LANGUAGE": "fr", "LANG": "C.UTF-8"}, "fr"),
        ({"LANG": "friulian"}, "en"),
    ],
)
def test_the_environment_says_the_language(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert gd.language() == language


def test_a_notebook_chooses_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "en")
    assert gd.language("fr") == "fr"
    assert gettext("yes") == "oui"
    assert gd.language("en") == "en"
    with pytest.raises(errors.ConfigurationError, match='use "en" or "fr"'):
        gd.language("de")
    assert gd.language() == "en"


def test_an_error_stays_english_and_is_told_in_french(french: None) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        gd.search("PEPS_S2_L1C", datetime="2024-13")
    assert str(caught.value).startswith("'2024-13' is no date that can be read\n  What to do: ")
    told = _tracebacks.told(caught.value).splitlines()
    assert told[0] == "'2024-13' n'est pas une date lisible"
    assert told[1].startswith('  Que faire\u00a0: écrivez "2024", "2024-05"')


def test_a_cell_shows_the_error_in_french(french: None) -> None:
    shell = InteractiveShell.instance()
    try:
        with capture_output() as captured:
            shell.run_cell("import geodes_datalab as gd\ngd.search(bbox=(0, 0, 400, 1))")
    finally:
        InteractiveShell.clear_instance()
    text = captured.stdout + captured.stderr
    assert "la zone dépasse la Terre\u00a0: longitudes 0 et 400" in text
    assert ", ligne 2" in text
    assert "La trace complète\u00a0: geodes_datalab.errors.full()" in text
    assert "What to do" not in text


def test_the_command_line_tells_its_errors_in_french(french: None, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["env", "remove", "nowhere"])
    assert done.exit_code == 1
    assert "Erreur\u00a0: il n'y a pas d'environnement 'nowhere'" in done.output


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        # of two templates that fit, the one with more words
        ("the cluster abc is closed", "le cluster abc est fermé"),
        ("the cluster abc is waiting", "le cluster abc est dans l'état waiting"),
        # fields keep what they hold, braces and line ends too
        ("/a/{b}: {c} cannot be written: disk\nfull", None),
        ("no option {x}", "no option {x}"),
        ('did you mean "red" or "nir"?', 'vouliez-vous dire "red" ou "nir"\u00a0?'),
        # a sentence within a sentence
        (
            "2 of 5 products lie on tape: S2A, S2B and 3 more; the other 3 are downloaded",
            "2 des 5 produits sont archivés sur bande magnétique\u00a0: S2A, S2B et 3 de plus\u00a0; les 3 autres sont téléchargés",
        ),
        ("that would be 12.5 GB of pixels in memory", "cela ferait 12,5 Go de pixels en mémoire"),
        (
            "3 time steps of 1 band of 10 x 20 pixels",
            "3 pas de temps de 1 bande de 10 x 20 pixels",
        ),
        ("something that nobody wrote", "something that nobody wrote"),
        ("", ""),
    ],
)
def test_sentences_are_found_by_their_templates(
    french: None, english: str, expected: str | None
) -> None:
    if expected is None:
        found = translated(english)
        assert found != english
        assert "/a/{b}: {c}" in found
        assert found.endswith("disk\nfull")
    else:
        assert translated(english) == expected


def test_english_is_left_alone() -> None:
    for text in ("the cluster abc is closed", "that would be 12.5 GB of pixels in memory"):
        assert translated(text) == text
    assert quantity("18.7 kB") == "18.7 kB"


def test_long_texts_are_matched_in_no_time(french: None) -> None:
    # every literal part occurs again and again: a backtracking match would never end
    text = "{a} of {b} to {c} is: ".format(a="x", b="y", c="z") * 20_000
    assert translated(text).count("x of y") >= 1


def test_numbers_and_sizes(french: None) -> None:
    assert [ngettext("{count} collection", "{count} collections", n) for n in (0, 1, 2)] == [
        "0 collection", "1 collection", "2 collections",
    ]  # fmt: skip
    assert _display.shown_size(18_684) == "18,7\u00a0ko".replace("\u00a0", " ")
    assert _display.size(18_684) == "18.7 kB"


def test_markup_in_an_error_stays_text(french: None) -> None:
    error = errors.CubeError("<b>{boom}</b>", hint="{0.__class__} use <i>")
    assert _tracebacks.told(error) == "<b>{boom}</b>\n  Que faire\u00a0: {0.__class__} use <i>"


def test_logs_and_scripts_read_english(french: None, caplog: pytest.LogCaptureFixture) -> None:
    try:
        gd.load([])
    except errors.GeodesError:
        logging.getLogger("mine").exception("failed")
    assert "there are no items to load" in caplog.text


SKIPPED = "the cluster 1a2b, opened before, computes and is left open"


def test_a_warning_stays_english_and_is_shown_in_french(french: None) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(SKIPPED, errors.ClusterWarning, stacklevel=1)
        warnings.warn(SKIPPED, UserWarning, stacklevel=1)
    ours, theirs = caught
    assert str(ours.message) == SKIPPED
    shown = warnings._formatwarnmsg  # type: ignore[attr-defined]
    assert "ClusterWarning: le cluster 1a2b, ouvert auparavant, calcule" in shown(ours)
    assert SKIPPED in shown(theirs)


def test_python_shows_a_warning_in_french() -> None:
    code = (
        "import warnings; from geodes_datalab import errors\n"
        f"warnings.warn({SKIPPED!r}, errors.ClusterWarning)"
    )
    root = str(Path(gd.__file__).parent.parent)
    language = {"GEODES_DATALAB_LANGUAGE": "fr", "PYTHONPATH": root, "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        env={**os.environ, **language},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert "ClusterWarning: le cluster 1a2b, ouvert auparavant, calcule" in done.stderr


def test_a_warning_is_english_for_english_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DATALAB_LANGUAGE", "en")
    assert f"{errors.ClusterWarning(SKIPPED)}" == SKIPPED
    assert f"{errors.ClusterWarning(SKIPPED):>80}".startswith(" ")


def test_a_broken_installation_speaks_english(
    french: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_language, "FOLDER", tmp_path)
    _language.catalogue.cache_clear()
    try:
        assert gettext("yes") == "yes"
        assert translated("the cluster abc is closed") == "the cluster abc is closed"
    finally:
        _language.catalogue.cache_clear()


def test_showing_an_error_loads_little() -> None:
    code = (
        "import sys\nfrom geodes_datalab import _tracebacks, errors\n"
        "print(_tracebacks.told(errors.CubeError('there are no items to load')))\n"
        "print(*sorted({'babel', 'numpy', 'xarray', 'shapely'} & set(sys.modules)))"
    )
    root = str(Path(gd.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LANG": "fr_FR.UTF-8", "PYTHONPATH": root, "PYTHONUTF8": "1"},
        capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert done.stdout == "il n'y a pas d'items à charger\n\n"

"""What our parts of the Lab say in a French Lab."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.waiting import minutes

from geodes_datalab.hub.steps.singleuser import LAB
from geodes_datalab.server.home_usage.look import HomeLook, Told

MODULES = LAB / "data" / "labextensions"
HOME = MODULES / "geodes-datalab/static/home.js"
CENTRE = MODULES / "geodes-datalab/static/hpda.js"
NODE = shutil.which("node")


def said(module: Path) -> set[str]:
    """Return the texts that a module hands to `tell`, and those that stand in its tables."""
    text = module.read_text("utf-8")
    inside = re.findall(r"\btell\(((?:[^()]|\([^()]*\))*)\)", text)
    tables = re.findall(r"const LABELS = (.*);", text)
    found = {word for part in inside for word in re.findall(r'"([^"]+)"', part)}
    found |= {word for part in tables for word in re.findall(r'"([^"]+)"', part)}
    return found - {"_", " "}  # of replace


def run(module: Path, question: str, language: str = "fr-FR") -> Any:
    """Return what an expression says inside a module, in a Lab of a language."""
    text = module.read_text("utf-8")
    script = (
        f"globalThis.document = {{documentElement: {{lang: {json.dumps(language)}}}}};"
        f"{text}\nprocess.stdout.write(JSON.stringify({question}));"
    )
    command = [NODE or "", "--input-type=module", "-e", script]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        cwd=module.parent,  # of what it imports
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize("module", [HOME, CENTRE], ids=lambda path: path.stem)
def test_every_word_has_its_french(module: Path) -> None:
    assert said(module) == set(run(module, "Object.keys(FRENCH)"))


@pytest.mark.parametrize("module", [HOME, CENTRE], ids=lambda path: path.stem)
def test_no_sentence_is_said_without_it(module: Path) -> None:
    text = re.sub(r"const FRENCH = \{.*?\n\};", "", module.read_text("utf-8"), flags=re.DOTALL)
    code = re.sub(r"//.*", "", text)
    sentences = set(re.findall(r'"([A-Z][a-z]+ [^"]*)"', code)) - said(module)
    assert not sentences


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize("module", [HOME, CENTRE], ids=lambda path: path.stem)
def test_both_languages_tell_the_same_values(module: Path) -> None:
    for pair in run(module, "Object.entries(FRENCH)"):
        english, french = (set(re.findall(r"\{\w+\}", text)) for text in pair)
        assert english == french


ANSWER = {"used": None, "limit": None, "complete": True, "files": None, "error": None}


@pytest.mark.skipif(NODE is None, reason="needs node")
@pytest.mark.parametrize(
    ("told", "english", "french"),
    [
        ({"used": 3.2e9, "limit": 1e10}, "3.2 GB of 10.0 GB", "3,2 Go sur 10,0 Go"),
        ({"used": 512e6, "complete": False}, "more than 512 MB", "plus de 512 Mo"),
        (
            {"used": 999, "limit": 1000, "complete": False},
            "more than 999 B of 1 kB",
            "plus de 999 o sur 1 ko",
        ),
        ({"used": 7, "files": 5, "files_limit": 6}, "5 of 6 files", "5 sur 6 fichiers"),
        ({"limit": 10}, "is being measured", "mesure en cours"),
        (
            {"error": "No access"},
            "cannot be looked at: No access",
            "impossible de le lire\u00a0: No access",
        ),
    ],
)
def test_the_home_s_size_in_both_languages(told: dict[str, Any], english: str, french: str) -> None:
    asked = f"usage({json.dumps(ANSWER | told)})"
    assert run(HOME, asked, "en") == english
    assert run(HOME, asked) == run(HOME, asked, "fr_FR") == french


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_the_page_understands_what_the_server_says(tmp_path: Path) -> None:
    gone = HomeLook(tmp_path / "gone").tell()
    assert run(HOME, f"usage({json.dumps(gone)})", "en").startswith("cannot be looked at: ")
    look = HomeLook(tmp_path, Told(limit=10**6))
    look.tell()
    assert look.wait(minutes(1))
    assert run(HOME, f"usage({json.dumps(look.tell())})", "en").endswith(" of 1 MB")


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_the_hint_of_the_home_in_a_french_lab() -> None:
    told = "{measured: null, free: 2500000000, level: 'full'}"
    assert "Libre sur le volume\u00a0: 2,5 Go\n" in run(HOME, f"title({told})")
    assert "Free on the volume: 2.5 GB\n" in run(HOME, f"title({told})", "en")

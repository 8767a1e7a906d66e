"""What our parts of the Lab say in a French Lab."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from geodes_datalab.hub.steps.singleuser import LAB

MODULES = LAB / "data" / "labextensions"
HOME = MODULES / "geodes-datalab/static/home.js"
CENTRE = MODULES / "geodes-datalab/static/hpda.js"
NODE = shutil.which("node")


def said(module: Path) -> set[str]:
    """Return the texts that a module hands to `tell`, and those that stand in its tables."""
    text = module.read_text("utf-8")
    inside = re.findall(r"\btell\(((?:[^()]|\([^()]*\))*)\)", text)
    tables = re.findall(r"const (?:LABELS|COUNTS) = (.*);", text)
    found = {word for part in inside for word in re.findall(r'"([^"]+)"', part)}
    found |= {word for part in tables for word in re.findall(r'"([^"]+)"', part)}
    return found - {"_", " "}  # of replace


def run(module: Path, question: str, language: str = "fr-FR") -> Any:
    """Return what an expression says inside a module, in a Lab of a language."""
    text = module.read_text("utf-8")
    script = (
        f"const document = {{documentElement: {{lang: {json.dumps(language)}}}}};"
        f"{text}\nprocess.stdout.write(JSON.stringify({question}));"
    )
    command = [NODE or "", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
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
@pytest.mark.parametrize(
    ("told", "french"),
    [
        ("3.2 GB of 10.0 GB", "3,2 Go sur 10,0 Go"),
        ("more than 512 MB", "plus de 512 Mo"),
        ("5 of 6 files", "5 sur 6 fichiers"),
        ("is being measured", "mesure en cours"),
    ],
)
def test_the_home_s_size_in_a_french_lab(told: str, french: str) -> None:
    assert run(HOME, f"count({json.dumps(told)})") == french
    assert run(HOME, f"count({json.dumps(told)})", "en") == told


@pytest.mark.skipif(NODE is None, reason="needs node")
def test_the_hint_of_the_home_in_a_french_lab() -> None:
    told = "{measured: null, free: 2500000000, level: 'full'}"
    assert "Libre sur le volume\u00a0: 2,5 Go\n" in run(HOME, f"title({told})")
    assert "Free on the volume: 2.5 GB\n" in run(HOME, f"title({told})", "en")

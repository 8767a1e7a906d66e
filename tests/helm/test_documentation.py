"""The values that the how-to pages show are values that the chart takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from manifests.render import Helm

DOCS = Path(__file__).parent.parent.parent / "docs/how-to"
SHOWN = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("kubernetes-*.md"))
    for number, text in enumerate(
        re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
]


@pytest.mark.parametrize("text", SHOWN)
def test_shown_values_render(text: str, helm: Helm, tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(yaml.safe_load(text) | {"existingSecret": "made-before"}))
    assert "kind: Deployment" in helm.render(values).text


def test_some_are_shown() -> None:
    assert len(SHOWN) >= 3

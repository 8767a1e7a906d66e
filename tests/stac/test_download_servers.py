"""Downloads from servers that misbehave: one version, whole, or what is the matter; and right once they are well."""

from __future__ import annotations

import hashlib
import random
import warnings
from pathlib import Path
from typing import Any

import pytest
from support.misbehaving import BEHAVIOURS, Manner, State, misbehaving

import geodes_datalab as gd
from geodes_datalab.errors import GeodesError, ServerQuirk

KEY = "k3y-of-the-portal"
FIRST, SECOND = (random.Random(seed).randbytes(200_000) for seed in (1, 2))


def described(portal: State, told: str) -> dict[str, Any]:
    facts: dict[str, Any] = {"href": f"{portal.url}/B04.tif", "roles": ["data"]}
    if told != "nothing":
        facts["file:size"] = len(FIRST)
    if told == "all":
        facts["geodes:md5"] = hashlib.md5(FIRST, usedforsecurity=False).hexdigest()
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": "P", "geometry": None, "links": [],
        "properties": {"datetime": "2024-03-01T10:50:31Z"}, "assets": {"data": facts},
    }  # fmt: skip


@pytest.mark.parametrize("told", ["all", "size", "nothing"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_one_version_or_what_is_the_matter(
    behaviour: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manner, _, longer = BEHAVIOURS[behaviour]
    for name, value in {"BACKOFF": "0.001", "RETRIES": "2", "API_KEY": KEY, "DIALECT": "stac"}.items():  # fmt: skip
        monkeypatch.setenv(f"GEODES_{name}", value)
    if manner.hangs:
        monkeypatch.setenv("GEODES_TIMEOUT", "0.2")
    right = [FIRST] if told == "all" else [FIRST, SECOND + bytes(longer)]
    said = ""
    with misbehaving(manner, {"B04.tif": (FIRST, SECOND + bytes(longer))}) as (portal, store):
        monkeypatch.setenv("GEODES_PORTAL", portal.url)
        item = described(portal, told)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ServerQuirk)
            try:
                (path,) = gd.download(item, tmp_path, progress=False)
            except GeodesError as error:
                said = str(error)
                assert sorted(one.suffix for one in tmp_path.iterdir()) in ([], [".part"])
            else:
                assert path.read_bytes() in right
            portal.manner, portal.answers = Manner(), 0
            portal.files["B04.tif"] = (FIRST, FIRST)
            (path,) = gd.download(item, tmp_path, progress=False)
    assert path.read_bytes() in right
    assert [one.name for one in tmp_path.iterdir()] == ["B04.tif"]
    assert {one.headers.get("x-api-key") for one in portal.asked} == {KEY}
    assert {one.headers.get("x-api-key") for one in store.asked} <= {None}
    assert "s1gned" not in said
    assert KEY not in said

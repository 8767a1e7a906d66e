"""The lists of what is inside agree with what is inside."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import unquote

import pytest
from inside import ROOT, Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

FOLDER = "/usr/share/doc/geodes-datalab"


def listed(text: str, kind: str) -> dict[str, str]:
    rows = (line.split() for line in text.splitlines())
    return {row[1].lower().replace("_", "-"): row[2] for row in rows if row[0] == kind}


def test_the_bill_of_materials_is_complete(image: Image) -> None:
    bill = json.loads(image.run("cat", f"{FOLDER}/sbom.cdx.json").stdout)
    assert (bill["bomFormat"], bill["metadata"]["component"]["type"]) == ("CycloneDX", "container")
    urls = {
        unquote(each["purl"]).split("?")[0].lower() for each in bill["components"] if "purl" in each
    }
    code = "import importlib.metadata as m; print(*{f'{d.name}@{d.version}' for d in m.distributions()})"
    for each in image.python(code).lower().replace("_", "-").split():
        if not each.startswith("geodes-datalab@"):
            assert f"pkg:pypi/{each}" in {url.replace("_", "-") for url in urls}, each
    form = "--showformat=${Package}@${Version}\\n"
    for each in image.run("dpkg-query", "--show", form).stdout.lower().split():
        assert f"pkg:deb/debian/{each}" in urls, each
    without = [each["name"] for each in bill["components"] if not each.get("licenses")]
    print(
        f"\n{image.name}: {len(bill['components'])} components, licence not machine-readable: {without}"
    )
    assert len(without) < len(bill["components"]) / 4


def test_the_bill_is_valid_cyclonedx(
    image: Image, tmp_path_factory: pytest.TempPathFactory
) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    bill = image.run("cat", f"{FOLDER}/sbom.cdx.json").stdout
    validator = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert validator.validate_str(bill) is None


def test_the_proxy_is_in_the_bill(platform: Image) -> None:
    inside = platform.run("cat", f"{FOLDER}/packages.txt").stdout
    version = platform.run("configurable-http-proxy", "--version").stdout.strip()
    assert listed(inside, "npm")["configurable-http-proxy"] == version
    assert version.startswith("5.")


def test_every_package_has_its_licence_named_or_its_place(image: Image) -> None:
    text = image.run("cat", f"{FOLDER}/licences.txt").stdout
    names = {line.split(":")[0] for line in text.splitlines()}
    packages = image.run("cat", f"{FOLDER}/packages.txt").stdout
    assert {" ".join(line.split()[:2]) for line in packages.splitlines()} == {
        " ".join(name.split()) for name in names
    }


def test_the_committed_list_is_the_images(image: Image) -> None:
    """Debian's versions move on with its security updates, so only its names are compared."""
    inside = image.run("cat", f"{FOLDER}/packages.txt").stdout
    committed = (ROOT / "images" / image.short / "packages.txt").read_text()
    hint = 'make images ARGS="--list"'
    for kind in ("pypi", "npm"):
        assert listed(inside, kind) == listed(committed, kind), hint
    assert sorted(listed(inside, "deb")) == sorted(listed(committed, "deb")), hint


def test_so_are_the_lists_of_licences_and_extensions(image: Image) -> None:
    def ours(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith("deb")]

    committed = ROOT / "images" / image.short
    licences = image.run("cat", f"{FOLDER}/licences.txt").stdout
    assert ours(licences) == ours((committed / "licences.txt").read_text())
    extensions = image.python((ROOT / "images/extensions.py").read_text())
    assert extensions == (committed / "extensions.txt").read_text()


def test_our_package_is_the_one_of_this_checkout(image: Image) -> None:
    """A layer from a cache would hold an older one (buildah does not look at mounted files)."""
    code = """
import geodes_datalab, hashlib, json, pathlib
top = pathlib.Path(geodes_datalab.__file__).parent
digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
print(json.dumps({str(path.relative_to(top)): digest(path) for path in top.rglob("*.py")}))
"""
    inside = json.loads(image.python(code))
    package = ROOT / "geodes_datalab"
    here = {
        str(path.relative_to(package)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in package.rglob("*.py")
    }
    assert inside == here, "make images"


def test_every_package_comes_from_the_lock(image: Image) -> None:
    lock = (ROOT / "images" / image.short / "requirements.txt").read_text()
    pins = {line.split()[0] for line in lock.splitlines() if "==" in line.split(" ")[0]}
    for name, version in listed(image.run("cat", f"{FOLDER}/packages.txt").stdout, "pypi").items():
        assert f"{name.replace('.', '-')}=={version}" in pins, name

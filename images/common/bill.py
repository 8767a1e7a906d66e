"""Write what is inside an image: a CycloneDX bill of materials, a plain list, the licences.

The Python packages come from cyclonedx-py, which looks at the environment itself; Debian's come from
dpkg and their copyright files, npm's from the lock file. Runs in the build stage with the tools'
Python; three files are written, all sorted and without a date, so that two builds can be compared.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packageurl import PackageURL

Component = dict[str, Any]


def main() -> None:
    arguments = parsed()
    bill = json.loads(python_packages(arguments.environment))
    bill["components"] += [*debian_packages(arguments.debian), *npm_packages(arguments.npm)]
    bill["components"].sort(key=lambda each: (kind(each), *in_order(each["name"])))
    bill["metadata"].pop("timestamp", None)
    bill.pop("serialNumber", None)
    bill["metadata"]["component"] = {
        "type": "container",
        "name": f"geodes-datalab/{arguments.title}",
        "bom-ref": "image",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "sbom.cdx.json").write_text(json.dumps(bill, indent=1) + "\n")
    (arguments.output / "packages.txt").write_text(packages(bill["components"]))
    (arguments.output / "licences.txt").write_text(licences(bill["components"]))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--title", required=True)
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--debian", type=Path, required=True, help="dpkg-query's list")
    parser.add_argument("--npm", type=Path, help="a package-lock.json")
    parser.add_argument("--output", type=Path, required=True)
    return parser.parse_args()


def python_packages(environment: Path) -> str:
    """Let cyclonedx-py look at an environment."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
    command += ["--spec-version", "1.6", str(environment / "bin/python")]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def debian_packages(listed: Path) -> Iterator[Component]:
    """Read ``dpkg-query --show``, written before the build stage added packages of its own."""
    for line in listed.read_text().splitlines():
        name, version, architecture = line.split("\t")
        url = PackageURL("deb", "debian", name, version, {"arch": architecture})
        yield component(name, version, url.to_string(), debian_licences(name))


def debian_licences(package: str) -> list[str]:
    """Return the licence names of a machine-readable copyright file; none where it is plain prose."""
    path = Path("/usr/share/doc") / package / "copyright"
    text = path.read_text("utf-8", "replace") if path.exists() else ""
    found = re.findall(r"^License:[ \t]*(\S.*?)\s*$", text, re.MULTILINE)
    return sorted(set(found), key=in_order)


def in_order(name: str) -> tuple[str, str]:
    """Return by what names are sorted: those that differ by case alone have one order, too."""
    return name.casefold(), name


def npm_packages(lock: Path | None) -> Iterator[Component]:
    if lock is None:
        return
    for path, entry in json.loads(lock.read_text())["packages"].items():
        if path and not entry.get("dev"):
            name = path.rpartition("node_modules/")[2]
            scope, _, short = name.rpartition("/")
            url = PackageURL("npm", scope, short, entry["version"]).to_string()
            yield component(name, entry["version"], url, [entry.get("license", "unknown")])


def component(name: str, version: str, url: str, names: list[str]) -> Component:
    entries = [{"license": {"name": each}} for each in names]
    more = {"licenses": entries} if entries else {}
    return {"type": "library", "name": name, "version": version, "purl": url, "bom-ref": url} | more


def kind(each: Component) -> str:
    """Return where a component comes from: deb, npm or pypi."""
    return str(each.get("purl", "pkg:pypi/")).split(":")[1].split("/")[0]


def packages(components: list[Component]) -> str:
    """Return one line per package, to be compared between two images."""
    lines = [f"{kind(each):5}{each['name']} {each.get('version', '')}" for each in components]
    return "\n".join(dict.fromkeys(lines)) + "\n"


def licences(components: list[Component]) -> str:
    lines = [f"{kind(each):5}{each['name']}: {licence_names(each)}" for each in components]
    return "\n".join(dict.fromkeys(lines)) + "\n"


def licence_names(each: Component) -> str:
    names = []
    for entry in each.get("licenses", []):
        licence = entry.get("license", {})
        names.append(entry.get("expression") or licence.get("id") or licence.get("name") or "")
    plain = [name.splitlines()[0][:80] for name in names if name]
    return ", ".join(dict.fromkeys(plain)) or "see its own files"


if __name__ == "__main__":
    main()

"""The schema, the values, their table and the files made from them say the same."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from manifests.render import Helm

import geodes_datalab

# Lists and free maps that no values file of ci/ needs to use.
NOT_TRIED: set[str] = set()


@pytest.fixture(scope="module")
def schema(chart: Path, generator: ModuleType) -> dict[str, Any]:
    return dict(generator.values_schema(chart))


@pytest.fixture(scope="module")
def defaults(chart: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((chart / "values.yaml").read_text()))


def described(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the schema with what is said about it; named things as `<name>`."""
    for name, sub in schema.get("properties", {}).items():
        yield f"{path}{name}", sub
        yield from described(sub, f"{path}{name}.")
    for word in ("additionalProperties", "items"):
        if isinstance(sub := schema.get(word), dict):
            yield from described(sub, f"{path}<name>.")
    for sub in schema.get("patternProperties", {}).values():
        yield from described(sub, f"{path}<name>.")


def keys(values: Any, path: str = "") -> Iterator[str]:
    if isinstance(values, dict):
        for name, value in values.items():
            yield f"{path}{name}"
            yield from keys(value, f"{path}{name}.")


def test_the_schema_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    silent = [path for path, sub in described(schema) if not sub.get("description", "").strip()]
    assert not silent
    careless = [path for path, sub in described(schema) if not sub["description"].endswith(".")]
    assert not [path for path in careless if not path.endswith(("extraCommandLineFlags",))]


def test_every_object_is_closed(schema: dict[str, Any]) -> None:
    opened = [
        path
        for path, sub in described(schema)
        if sub.get("properties") and "additionalProperties" not in sub
    ]
    assert opened == ["global"]  # parent charts put their own globals there


def test_the_defaults_fit_the_schema(schema: dict[str, Any], defaults: dict[str, Any]) -> None:
    assert [e.message for e in Draft202012Validator(schema).iter_errors(defaults)] == []


def test_values_and_schema_have_the_same_keys(
    schema: dict[str, Any], defaults: dict[str, Any]
) -> None:
    known = {path for path, _ in described(schema) if "<name>" not in path}
    given = set(keys(defaults))
    # Of secrets there are no defaults; a named thing's default stands below its name.
    missing = {path for path in known - given if not path.startswith("secrets.values.")}
    assert not missing
    assert not {path for path in given - known if not _in_free_map(schema, path)}


def _in_free_map(schema: dict[str, Any], path: str) -> bool:
    for part in path.split("."):
        if part not in schema.get("properties", {}):
            return isinstance(schema.get("additionalProperties"), dict)
        schema = schema["properties"][part]
    return False


def test_a_case_fits_the_schema(
    case: str, values_of: dict[str, Path], schema: dict[str, Any]
) -> None:
    values = yaml.safe_load(values_of[case].read_text())
    problems = Draft202012Validator(schema).iter_errors(values)
    assert [f"{e.json_path}: {e.message}" for e in problems] == []


def test_the_cases_use_every_key(
    values_of: dict[str, Path], schema: dict[str, Any], defaults: dict[str, Any]
) -> None:
    """What no case sets to something is not tried at all: each key that is empty or off is used."""
    used = [yaml.safe_load(path.read_text()) for path in values_of.values()]
    idle = []
    for path, _ in described(schema):
        if "<name>" in path or path.startswith("secrets.values."):
            continue
        default = _at(defaults, path)
        if default in ("", [], {}, False, None) and not any(
            _at(values, path) not in ("", [], {}, False, None) for values in used
        ):
            idle.append(path)
    assert sorted(idle) == sorted(NOT_TRIED)


def _at(values: Any, path: str) -> Any:
    for part in path.split("."):
        if not isinstance(values, dict):
            return None
        values = values.get(part)
    return values


def test_what_is_generated_is_up_to_date(chart: Path, generator: ModuleType) -> None:
    page = None if chart != generator.CHART else generator.PAGE
    stale = [
        path.name
        for path, content in generator.products(chart, page).items()
        if not path.exists() or path.read_text() != content
    ]
    assert not stale, "run make chart"


def test_helm_refuses_by_type_what_the_reference_refuses(
    chart: Path, schema: dict[str, Any], defaults: dict[str, Any]
) -> None:
    """helm's copy differs from the reference in nothing but the names that it lets pass."""
    copy = json.loads((chart / "values.schema.json").read_text())
    wrong = json.loads(json.dumps(defaults))
    wrong["hub"]["concurrentSpawnLimit"] = "many"
    wrong["auth"]["type"] = "no such thing"
    wrong["scheduling"]["corePods"]["tolerations"] = [{"keey": "a"}]
    wrong["secrets"]["values"] = {"proxy.token": "short"}
    found = {e.json_path for e in Draft202012Validator(copy).iter_errors(wrong)}
    assert found == {e.json_path for e in Draft202012Validator(schema).iter_errors(wrong)}
    assert len(found) == 4


def test_chart_and_package_have_the_same_version(chart: Path) -> None:
    about = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert about["appVersion"] == geodes_datalab.__version__
    assert not about.get("dependencies")


def test_lint(case: str, helm: Helm, values_of: dict[str, Path]) -> None:
    done = helm.run("lint", "--strict", "--values", str(values_of[case]), str(helm.chart))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout


def test_the_example_of_the_readme_renders(helm: Helm) -> None:
    text = (helm.chart / "README.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    values = yaml.safe_load(example)
    values["secrets"]["generate"] = "job"  # a rendering without a cluster makes up no secrets
    assert helm.render(values=values).of("Ingress", "Namespace")


def test_the_package_holds_no_tests(helm: Helm, tmp_path: Path) -> None:
    helm_done = helm.run("package", str(helm.chart), "--destination", str(tmp_path))
    assert helm_done.returncode == 0, helm_done.stderr
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as listed:
        names = {name.partition("/")[2] for name in listed.getnames()}
    assert {"values.schema.json", "files/keys.json", "README.md"} <= names
    assert not [name for name in names if name.startswith("ci/")]
    assert package.stat().st_size < 300_000  # a release is kept in a Secret of 1 MB

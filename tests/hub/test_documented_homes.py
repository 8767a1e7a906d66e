"""What the page about homes shows does what it says, with the real spawner."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_asyncio.client import ApiClient
from kubernetes_pods import person, pod_of
from traitlets.config import Config

from geodes_datalab.hub import load
from geodes_datalab.hub.homes import metrics

PAGE = Path(__file__).parents[2] / "docs/how-to/kubernetes-homes.md"


def shown(title: str) -> dict[str, Any]:
    """The values under a heading."""
    text = PAGE.read_text("utf-8").partition(f"## {title}\n")[2]
    found = re.search(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found, title
    return dict(yaml.safe_load(found[1]))


@pytest.fixture
def static(pods: dict[str, Any]) -> dict[str, Any]:
    static = {"pvc_name": "homes", "sub_path": "home/{username}"}
    pods["singleuser"]["storage"] = {"type": "static", "static": static}
    return pods


def mounted(values: dict[str, Any], code: str, *groups: str) -> dict[str, str]:
    """What a person's pod mounts of the claim of the homes, with the code of the page at work."""
    scope = {"c": Config(), "settings": load(values)}
    exec(compile(code, "page", "exec"), scope)  # as geodes_datalab.hub.extra does

    async def make() -> Any:
        spawner = person(values, groups=groups)
        spawner.modify_pod_hook = scope["c"].KubeSpawner.modify_pod_hook
        await spawner.load_user_options()
        pod = spawner.modify_pod_hook(spawner, await spawner.get_pod_manifest())
        async with ApiClient() as client:
            return client.sanitize_for_serialization(pod)

    spec = asyncio.run(make())["spec"]
    (home,) = (v["name"] for v in spec["volumes"] if "persistentVolumeClaim" in v)
    mounts = spec["containers"][0]["volumeMounts"]
    return {m["mountPath"]: m["subPath"] for m in mounts if m["name"] == home}


def test_a_folder_for_each_group(static: dict[str, Any]) -> None:
    code = shown("A folder for each group")["hub"]["extraConfig"]["group-folders"]
    own = {"/home/jovyan": "home/ada"}
    assert mounted(static, code) == own
    assert mounted(static, code, "sea", "snow-2") == own | {
        "/home/jovyan/groups/sea": "groups/sea",
        "/home/jovyan/groups/snow-2": "groups/snow-2",
    }
    assert mounted(static, code, "../home/bob", "A", "a/b", "-x", ".") == own, "no way out"


def test_a_scratch_bucket_bears_the_name_of_the_person(pods: dict[str, Any]) -> None:
    values = shown("A scratch bucket")["singleuser"]["extraEnv"]
    pods["singleuser"]["extra_env"] = {"SCRATCH_BUCKET": values["SCRATCH_BUCKET"]}
    env = pod_of(pods)["spec"]["containers"][0]["env"]
    names = [each["name"] for each in env]
    (bucket,) = (each["value"] for each in env if each["name"] == "SCRATCH_BUCKET")
    assert bucket == "s3://datalab-scratch/$(JUPYTERHUB_USER)"
    # Kubernetes fills in what stands before it.
    assert names.index("JUPYTERHUB_USER") < names.index("SCRATCH_BUCKET")


def test_a_foreign_image_gets_its_own_command(pods: dict[str, Any]) -> None:
    assert pod_of(pods)["spec"]["containers"][0]["args"][0] == "datalab-start"
    pods["hub"]["config"] = shown("Images of others")["hub"]["config"]
    assert pod_of(pods)["spec"]["containers"][0]["args"][0] == "jupyterhub-singleuser"


def test_every_metric_is_in_the_table() -> None:
    page = PAGE.read_text("utf-8")
    for name, _, _ in metrics._GAUGES:
        assert f"`{metrics.PREFIX}_{name}{{home}}`" in page
        assert f"``{metrics.PREFIX}_{name}``" in str(metrics.__doc__)

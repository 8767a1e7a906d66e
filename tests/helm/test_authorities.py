"""The authorities of a site, in every pod that opens connections: by all variables, and the system's file."""

from __future__ import annotations

from manifests.render import Helm

from geodes_datalab._authorities import VARIABLES

FILE = "/etc/geodes-datalab/ca/ca.crt"
SYSTEM = "/etc/ssl/certs/ca-certificates.crt"
GIVEN = {"existingSecret": "of-the-site"}


def test_every_variable_is_told_to_every_pod(helm: Helm) -> None:
    release = helm.render(values={**GIVEN, "global": {"caBundle": {"configMap": "site-ca"}}})
    told = dict.fromkeys(VARIABLES, FILE)
    (hub,) = [
        container
        for one in release.objects
        if one["kind"] == "Deployment"
        for container in one["spec"]["template"]["spec"]["containers"]
        if container["name"] == "hub"
    ]
    assert told.items() <= {each["name"]: each.get("value") for each in hub["env"]}.items()
    gateway = release.settings["gateway"]
    users = release.settings["singleuser"]
    for settings, pods in ((users, users), (gateway, gateway["backend"])):
        assert told.items() <= settings["environment"].items()
        mounts = pods["volumeMounts"].values()
        assert {one["mountPath"] for one in mounts} >= {"/etc/geodes-datalab/ca", SYSTEM}


def test_without_an_authority_nothing_is_told(helm: Helm) -> None:
    release = helm.render(values=GIVEN)
    gateway = release.settings["gateway"]
    users = release.settings["singleuser"]
    for settings, pods in ((users, users), (gateway, gateway["backend"])):
        assert not settings["environment"].keys() & VARIABLES.keys()
        assert "system-ca" not in pods["volumeMounts"]

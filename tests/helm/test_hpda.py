"""The HPC centre's gateway in the chart: what the hub is told, and what user servers may reach."""

from __future__ import annotations

from typing import Any

import pytest
from manifests.render import Helm

from geodes_datalab.hub import load

PEER = {"ipBlock": {"cidr": "192.0.2.7/32"}}
HPDA: dict[str, Any] = {
    "enabled": True,
    "address": "https://login.hpc.example.org:8443",
    "schedulerAddress": "login.hpc.example.org:8786",
    "peers": [PEER],
}


def values(**hpda: Any) -> dict[str, Any]:
    return {"existingSecret": "mine", "hpda": {**HPDA, **hpda}}


def test_users_may_reach_two_ports_of_the_login_node_and_no_other(helm: Helm) -> None:
    policy = helm.render(values=values()).one("NetworkPolicy", "user")
    (rule,) = [one for one in policy["spec"]["egress"] if PEER in one.get("to", [])]
    assert [(port["protocol"], port["port"]) for port in rule["ports"]] == [
        ("TCP", 8443),
        ("TCP", 8786),
    ]


def test_without_a_port_https_has_its_own(helm: Helm) -> None:
    policy = helm.render(values=values(address="https://login.hpc.example.org"))
    (rule,) = [
        one
        for one in policy.one("NetworkPolicy", "user")["spec"]["egress"]
        if PEER in one.get("to", [])
    ]
    assert {port["port"] for port in rule["ports"]} == {443, 8786}


def test_the_hub_knows_the_service_and_users_may_use_it(helm: Helm) -> None:
    from geodes_datalab.hub.steps import services, singleuser

    release = helm.render(values=values())
    settings = load(release.settings)
    assert settings.hpda.enabled
    scope = "access:services!service=dask-gateway-hpda"
    assert scope in services.access_scopes(settings)
    told = singleuser.environment(settings)
    assert told["DASK_GATEWAY_HPDA__ADDRESS"] == f"{HPDA['address']}/services/dask-gateway-hpda"
    assert told["DASK_GATEWAY_HPDA__PROXY_ADDRESS"] == f"gateway://{HPDA['schedulerAddress']}"


def test_it_is_off_by_default(helm: Helm) -> None:
    release = helm.render(values={"existingSecret": "mine"})
    assert not load(release.settings).hpda.enabled
    assert "token" not in release.settings["hpda"]
    assert "192.0.2.7" not in str(release.one("NetworkPolicy", "user"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"peers": []}, "no policy lets user servers reach the centre's login node"),
        ({"schedulerAddress": ""}, "hpda.address and hpda.schedulerAddress"),
        ({"address": "http://login.hpc.example.org"}, "hpda.address"),
    ],
)
def test_what_cannot_work_is_refused(helm: Helm, change: dict[str, Any], told: str) -> None:
    done = helm.template(values=values(**change))
    assert done.returncode
    assert told in done.stderr.replace("/", ".")

"""What helm says to wrong values: all that is wrong at once, with what to write instead."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any

import pytest
import yaml
from manifests.render import Helm

OURS = {"existingSecret": "mine"}

NAMES: list[tuple[dict[str, Any], str]] = [
    # slips of the finger: the nearest right one
    ({"hub": {"imag": {}}}, "hub.imag: there is no such key. Did you mean hub.image?"),
    ({"sinleuser": {}}, "sinleuser: there is no such key. Did you mean singleuser?"),
    (
        {"singleuser": {"cpu": {"Guarantee": 1}}},
        "singleuser.cpu.Guarantee: there is no such key. Did you mean singleuser.cpu.guarantee?",
    ),
    (
        {"singleuser": {"profiles": {"small": {"displayName": "S", "display_name": "S"}}}},
        "Did you mean singleuser.profiles.small.displayName?",
    ),
    (
        {"gateway": {"sizes": {"big": {"cores": 1, "memoryGiB": 1, "memoryGib": 2}}}},
        "Did you mean gateway.sizes.big.memoryGiB?",
    ),
    (
        {"networkPolicy": {"egres": {}}},
        "networkPolicy.egres: there is no such key. Did you mean networkPolicy.egress?",
    ),
    ({"global": {"imageRegsitry": "x"}}, "Did you mean global.imageRegistry?"),
    # nothing resembles it: what there is
    (
        {"httpRoute": {"xyzzy": 1}},
        "httpRoute.xyzzy: there is no such key. Below httpRoute there are: annotations, enabled,",
    ),
    # keys of other charts: the new spelling
    (
        {"jupyterhub": {"hub": {}}},
        "jupyterhub: there is no such key here. This chart is not an umb",
    ),
    ({"dask-gateway": {"gateway": {}}}, "dask-gateway: use gateway instead"),
    ({"hub": {"cookieSecret": "a"}}, "hub.cookieSecret: use secrets.values instead"),
    (
        {"singleuser": {"cloudMetadata": {"blockWithIptables": True}}},
        "singleuser.cloudMetadata",
    ),
    (
        {"singleuser": {"profileList": []}},
        "singleuser.profileList: use singleuser.profiles instead",
    ),
    ({"singleuser": {"memory": {"limit": "1G"}}}, "use singleuser.memory.limitGiB instead"),
    ({"scheduling": {"userScheduler": {}}}, "It needs rights on the whole cluster"),
    ({"proxy": {"https": {"letsencrypt": {}}}}, "proxy.https.letsencrypt: use ingress instead"),
    ({"proxy": {"secretToken": "a"}}, "proxy.secretToken: use secrets.values instead"),
    ({"prePuller": {"pullProfileListImages": True}}, "use prePuller.pullProfileImages instead"),
    ({"imagePullSecret": {}}, "imagePullSecret: use global.imagePullSecrets instead"),
    ({"rbac": {"enabled": True}}, "rbac.enabled: use rbac.create instead"),
    ({"controller": {"enabled": True}}, "controller: use gateway.controller instead"),
    ({"traefik": {}}, "traefik: there is no such key here. No Traefik"),
    # traits that would undo what the chart promises
    (
        {"hub": {"config": {"JupyterHub": {"authenticator_class": "dummy"}}}},
        "hub.config.JupyterHub.authenticator_class: use auth.type instead",
    ),
    (
        {"hub": {"config": {"GitHubOAuthenticator": {"client_secret": "s"}}}},
        "hub.config.GitHubOAuthenticator.client_secret: use hub.extraEnv instead",
    ),
    (
        {"hub": {"config": {"KubeSpawner": {"privileged": True}}}},
        "hub.config.KubeSpawner.privileged: there is no such key here",
    ),
    (
        {"hub": {"config": {"Authenticator": {"allowed_users": ["ada"]}}}},
        "hub.config.Authenticator.allowed_users: use auth.users instead",
    ),
    (
        {
            "auth": {"type": "github"},
            "hub": {"config": {"GitHubOAuthenticator": {"allowed_users": ["ada"]}}},
        },
        "hub.config.GitHubOAuthenticator.allowed_users: use auth.users instead",
    ),
    (
        {"hub": {"config": {"Authenticator": {"admin_users": ["ada"]}}}},
        "hub.config.Authenticator.admin_users: use auth.admins instead",
    ),
    (
        {"auth": {"type": "github"}, "hub": {"config": {"OAuthenticator": {"allow_all": True}}}},
        "hub.config.OAuthenticator.allow_all: use auth.allowAll instead",
    ),
    (
        {"hub": {"config": {"JupyterHub": {"authenticate_prometheus": False}}}},
        "they always need a token",
    ),
    (
        {"gateway": {"config": {"DaskGateway": {"authenticator_class": "x"}}}},
        "gateway.config.DaskGateway.authenticator_class",
    ),
]
DOORS: list[tuple[dict[str, Any], str]] = [
    # classes and traits that do not exist
    (
        {"hub": {"config": {"KubeSpawnr": {"cpu_limit": 2}}}},
        "hub.config.KubeSpawnr: there is no such class here. Did you mean KubeSpawner?",
    ),
    (
        {"hub": {"config": {"KubeSpawner": {"cpu_limitt": 2}}}},
        "hub.config.KubeSpawner.cpu_limitt: there is no such trait. Did you mean cpu_limit?",
    ),
    (
        {"hub": {"config": {"JupyterHub": {"shutdown_on_logut": True}}}},
        "hub.config.JupyterHub.shutdown_on_logut: there is no such trait. Did you mean shutdown_on",
    ),
    (
        {"hub": {"config": {"Spawner": {"cpu_gurantee": 1}}}},
        "Did you mean cpu_guarantee?",
    ),
    (
        {"hub": {"config": {"KubeSpawner": {"profileList": []}}}},
        "hub.config.KubeSpawner.profileList: there is no such trait. Did you mean profile_list?",
    ),
    ({"hub": {"config": {"Qwerty": {"x": 1}}}}, "hub.config.Qwerty: there is no such class here."),
    (
        {"hub": {"config": {"Spawner": {"zzz": 1}}}},
        "hub.config.Spawner.zzz: there is no such trait.",
    ),
    (
        {
            "auth": {"type": "github"},
            "hub": {"config": {"GithubOAuthenticator": {"allowed_organizations": ["x"]}}},
        },
        "Did you mean GitHubOAuthenticator?",
    ),
    (
        {
            "auth": {"type": "github"},
            "hub": {"config": {"GitHubOAuthenticator": {"allowed_organisations": ["x"]}}},
        },
        "Did you mean allowed_organizations?",
    ),
    (
        {"gateway": {"config": {"KubeClusterConfg": {"scheduler_cores": 1}}}},
        "gateway.config.KubeClusterConfg: there is no such class here. Did you mean KubeClusterConfig",
    ),
    (
        {"gateway": {"config": {"KubeClusterConfig": {"worker_coers": 1}}}},
        "gateway.config.KubeClusterConfig.worker_coers: there is no such trait. Did you mean worker_c",
    ),
    # lists without an effect
    (
        {"hub": {"config": {"GitHubOAuthenticator": {"allowed_organizations": ["example"]}}}},
        "hub.config.GitHubOAuthenticator: it has no effect, because auth.type is shared-password",
    ),
    (
        {
            "auth": {"type": "gitlab"},
            "hub": {"config": {"GitHubOAuthenticator": {"client_id": "x"}}},
        },
        "it has no effect, because auth.type is gitlab. Set auth.type, or hub.config.GitLabOAuth",
    ),
    (
        {
            "auth": {"type": "oidc"},
            "hub": {"config": {"GenericOAuthenticator": {"allowed_groups": ["x"]}}},
        },
        "hub.config.GenericOAuthenticator.allowed_groups: use auth.oidc.allowedGroups instead",
    ),
    (
        {"auth": {"type": "oidc"}, "hub": {"config": {"OAuthenticator": {"admin_groups": ["x"]}}}},
        "hub.config.OAuthenticator.admin_groups: use auth.oidc.adminGroups instead",
    ),
    (
        {
            "auth": {"type": "github"},
            "hub": {"config": {"GitHubOAuthenticator": {"allowed_groups": ["x"]}}},
        },
        "hub.config.GitHubOAuthenticator.allowed_groups: it needs auth_state_groups_key",
    ),
    (
        {
            "auth": {"type": "ldap", "allowAll": True},
            "hub": {"config": {"LDAPAuthenticator": {"allowed_groups": ["x"]}}},
        },
        "hub.config.LDAPAuthenticator.allowed_groups: it has no effect, because auth.allowAll",
    ),
    # doors that do not open, and ways in that there are not
    (
        {"auth": {"type": "github", "allowAll": True}},
        "auth.allowAll: it would let every account of github in. Name who may log in",
    ),
    ({"auth": {"type": "shared-password", "allowAll": True}}, "auth.allowAll"),
    ({"auth": {"type": "ldap", "allowAll": True, "users": ["ada"]}}, "leave auth.users and"),
    (
        {"auth": {"type": "gihtub"}},
        "auth.type: there is no gihtub to log in with. Did you mean github",
    ),
    ({"auth": {"type": "okta"}}, "there is no okta to log in with. use oidc"),
    ({"auth": {"type": "oauthenticator.okta.OktaOAuthenticator"}}, "use oidc"),
    ({"auth": {"type": "dummy"}}, "use shared-password"),
    ({"auth": {"type": "jupyterhub.auth.DummyAuthenticator"}}, "use shared-password"),
    ({"auth": {"type": "nativeauthenticator.NativeAuthenticator"}}, "not in the platform image"),
    (
        {"auth": {"type": "firstuseauthenticator.FirstUseAuthenticator"}},
        "not in the platform image",
    ),
    ({"auth": {"type": "hmacauthenticator.HMACAuthenticator"}}, "not in the platform image"),
    ({"auth": {"type": "tmpauthenticator.TmpAuthenticator"}}, "use shared-password"),
    ({"auth": {"type": "local-github"}}, "leave local- out"),
    ({"auth": {"type": "oauthenticator.github.LocalGitHubOAuthenticator"}}, "leave local- out"),
    ({"auth": {"type": "pam"}}, "the hub's pod has no accounts"),
]
TYPES: list[tuple[dict[str, Any], str]] = [
    ({"hub": {"concurrentSpawnLimit": "many"}}, "at '/hub/concurrentSpawnLimit': got string"),
    ({"hub": {"initContainers": []}}, "at '/hub/initContainers': got array, want object"),
    ({"hub": {"baseUrl": "lab"}}, "at '/hub/baseUrl'"),
    ({"auth": {"type": "dummy password"}}, "at '/auth/type'"),
    ({"singleuser": {"language": "de"}}, "at '/singleuser/language'"),
    ({"singleuser": {"storage": {"capacity": "much"}}}, "at '/singleuser/storage/capacity'"),
    ({"singleuser": {"memory": {"limitGiB": "4G"}}}, "at '/singleuser/memory/limitGiB'"),
    ({"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}}, "/networkPolicy/apiServer/cidrs/0"),
    ({"secrets": {"values": {"proxy.token": "short"}}}, "at '/secrets/values/proxy.token'"),
    ({"secrets": {"values": {"auth.password": "short"}}}, "at '/secrets/values/auth.password'"),
    ({"secrets": {"from": {"proxy.tokn": {"name": "a", "key": "b"}}}}, "proxy.tokn"),
    ({"ingress": {"tls": [{"secret": "x"}]}}, "additional properties 'secret' not allowed"),
    ({"singleuser": {"sharedData": {"a": {"pvcName": "x"}}}}, "missing property 'mountPath'"),
]
TOGETHER: list[tuple[dict[str, Any], str]] = [
    ({"auth": {"type": "oidc"}}, "auth.oidc.authorizeUrl is empty"),
    ({"singleuser": {"storage": {"type": "static"}}}, "singleuser.storage.static.pvcName"),
    ({"singleuser": {"otherImage": {"enabled": True}}}, "allowedImages names no image"),
    ({"hub": {"db": {"type": "postgres"}}}, "add it to networkPolicy.egress with for: [hub]"),
    ({"gateway": {"backend": {"createNamespace": True}}}, "name it in gateway.backend.namespace"),
    ({"proxy": {"https": {"enabled": True}}}, "name the Secret with the certificate"),
    ({"httpRoute": {"enabled": True}}, "name the Gateway in httpRoute.gateway.name"),
    (
        {"networkPolicy": {"egress": {"a": {"for": ["user"]}}}},
        "networkPolicy.egress.a names nobody",
    ),
]


def refusal(helm: Helm, values: dict[str, Any]) -> str:
    done = helm.template(values=values)
    assert done.returncode != 0, "it was accepted"
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("values", "told"), NAMES + DOORS + TYPES + TOGETHER, ids=lambda v: str(v)[:50]
)
def test_wrong_values_are_refused(helm: Helm, values: dict[str, Any], told: str) -> None:
    assert told in refusal(helm, {**OURS, **values})


def test_all_unknown_names_are_told_at_once(helm: Helm) -> None:
    text = refusal(helm, {**OURS, "hub": {"imag": 1}, "proxi": 2, "cull": {"evry": 3}})
    assert all(f"Did you mean {name}?" in text for name in ("hub.image", "proxy", "cull.every"))


def test_names_are_checked_before_anything_is_rendered(helm: Helm) -> None:
    """Not even values that do not go together come before the list of slips."""
    values = {**OURS, "hub": {"imag": {}}, "auth": {"type": "oidc"}}
    assert "Did you mean hub.image?" in refusal(helm, values)


def test_a_long_name_of_a_release_is_refused(helm: Helm) -> None:
    done = helm.template(values=OURS, release="a" * 41)
    assert "40 are possible: set fullnameOverride to a shorter one" in done.stderr


def test_globals_of_a_parent_chart_pass(helm: Helm) -> None:
    assert helm.render(values={**OURS, "global": {"storageClass": "fast", "security": {"a": 1}}})


def test_a_default_may_be_removed_with_null(helm: Helm) -> None:
    assert helm.render(values={**OURS, "gateway": {"sizes": {"medium": None}}})


def test_secrets_are_never_made_up_without_a_cluster(helm: Helm) -> None:
    text = refusal(helm, {"secrets": {"generate": "lookup"}})
    assert "every rendering would invent other secrets" in text
    assert "kubectl create secret generic datalab-secrets --namespace datalab" in text
    assert "--from-file=proxy.token=" in text
    assert "set existingSecret=datalab-secrets" in text


def test_missing_given_secrets_are_named(helm: Helm) -> None:
    text = refusal(helm, {"secrets": {"generate": "none", "values": {}}})
    assert 'the secret "auth.password" is missing' in text


FREE: list[dict[str, Any]] = [
    {"hub": {"config": {"KubeSpawner": {"cpu_limit": 2, "mem_limit": "4G"}}}},
    {"hub": {"config": {"Spawner": {"debug": True}, "Application": {"log_level": 10}}}},
    {
        "hub": {
            "config": {"Authenticator": {"blocked_users": ["eve"], "allow_existing_users": True}}
        }
    },
    {"auth": {"type": "site.auth.Ours"}, "hub": {"config": {"Ours": {"anything": 1}}}},
    {
        "auth": {"type": "site.auth.Ours"},
        "hub": {"config": {"GitHubOAuthenticator": {"allowed_organizations": ["example"]}}},
    },
    {
        "gateway": {
            "config": {"KubeClusterConfig": {"worker_cores": 1}, "Proxy": {"log_level": "info"}}
        }
    },
    *({"auth": {"type": name}} for name in ("github", "gitlab", "google", "azuread", "globus")),
    *({"auth": {"type": name}} for name in ("cilogon", "openshift", "bitbucket", "auth0", "ldap")),
    *({"auth": {"type": name}} for name in ("mediawiki", "generic-oauth", "lti", "lti11", "null")),
]


@pytest.mark.parametrize("values", FREE, ids=lambda v: str(v)[:70])
def test_what_exists_passes(helm: Helm, values: dict[str, Any]) -> None:
    assert helm.render(values={**OURS, **values})


NOTES: list[tuple[dict[str, Any], str]] = [
    ({}, "ONE PASSWORD FOR EVERYBODY"),
    ({"networkPolicy": {"enabled": False}}, "NO NETWORK POLICIES"),
    ({}, "networkPolicy.apiServer.cidrs: kubectl get endpoints kubernetes"),
    ({"proxy": {"service": {"type": "LoadBalancer"}}}, "NO TLS"),
    ({"ingress": {"enabled": True, "hosts": ["a.example.org"]}}, "NO TLS"),
    ({"hub": {"db": {"type": "sqlite-memory"}}}, "a restart of the hub forgets users"),
    ({"singleuser": {"storage": {"type": "none"}}}, "users lose their files"),
    ({}, "set gateway.backend.namespace"),
    ({"singleuser": {"allowedImages": {"all": "*"}}}, "allowedImages.all lets users run any image"),
    ({"rbac": {"create": False}}, "do not work before you made their roles"),
    ({"debug": {"enabled": True}}, "logs name users"),
    ({}, "kubectl port-forward service/datalab-proxy-public 8000:80"),
    ({"auth": {"type": "github"}}, "NOBODY CAN LOG IN"),
    ({"auth": {"type": "ldap"}}, "NOBODY CAN LOG IN"),
    ({}, "jsonpath='{.data.auth\\.password}'"),
    ({}, "helm test datalab --namespace datalab"),
    ({"hub": {"publicUrl": "https://lab.example.org"}}, "https://lab.example.org/"),
]


@pytest.fixture(scope="module")
def noted(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """The chart with its notes in an object: `helm template` shows none, and the `helm install` of
    version 3 asks a cluster for its version even where it only pretends."""
    copy = tmp_path_factory.mktemp("noted") / helm.chart.name
    shutil.copytree(helm.chart, copy)
    notes = '{{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}'
    (copy / "templates/told.yaml").write_text(f"notes: {notes}\n")
    return replace(helm, chart=copy)


def notes(noted: Helm, values: dict[str, Any]) -> str:
    """Return what a user is told at the end of an installation."""
    words = ("--show-only=templates/told.yaml", "--values=-")
    text = json.dumps({**OURS, **values})
    done = noted.run("template", "datalab", str(noted.chart), "-ndatalab", *words, stdin=text)
    assert done.returncode == 0, done.stderr
    return str(yaml.safe_load(done.stdout)["notes"])


@pytest.mark.parametrize(("values", "told"), NOTES, ids=lambda v: str(v)[:50])
def test_notes_warn(noted: Helm, values: dict[str, Any], told: str) -> None:
    assert told in notes(noted, values)


def test_notes_are_silent_where_nothing_is_to_be_warned_of(noted: Helm) -> None:
    values = {
        "ingress": {"enabled": True, "hosts": ["a.example.org"], "tls": [{"secretName": "t"}]},
        "auth": {
            "type": "oidc",
            "oidc": {
                "authorizeUrl": "https://sso.example.org/a",
                "tokenUrl": "https://sso.example.org/t",
                "userdataUrl": "https://sso.example.org/u",
                "clientId": "datalab",
                "allowedGroups": ["staff"],
            },
        },
        "networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1/32"]}},
        "gateway": {"backend": {"namespace": "dask"}},
    }
    text = notes(noted, values)
    assert "https://a.example.org/" in text
    assert "Warnings" not in text
    assert "Password" not in text

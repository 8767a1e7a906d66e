"""The platform's image: six pods run it, each with its own command."""

from __future__ import annotations

import json

import pytest
from inside import ROOT, Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

REQUIREMENTS = """
import importlib.metadata as metadata, json
from packaging.requirements import Requirement
missing = []
for distribution in metadata.distributions():
    for text in distribution.requires or []:
        asked = Requirement(text)
        if asked.marker and not asked.marker.evaluate({"extra": ""}):
            continue
        try:
            good = asked.specifier.contains(metadata.version(asked.name), prereleases=True)
        except metadata.PackageNotFoundError:
            good = False
        if not good:
            missing.append([distribution.name, asked.name])
print(json.dumps(missing))
"""


@pytest.mark.parametrize(
    "command",
    [
        "jupyterhub --version",
        "configurable-http-proxy --version",
        "dask-gateway-server --version",
        "dask-gateway-server proxy --help",
        "python -m jupyterhub_idle_culler --help",
        "python -m geodes_datalab.hub.gateway.kubernetes.controller --help",
    ],
)
def test_every_pods_command_is_there(platform: Image, command: str) -> None:
    done = platform.run(*command.split())
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_gateways_go_proxy_runs(platform: Image) -> None:
    code = "import dask_gateway_server.proxy as p, pathlib; print(*pathlib.Path(p.__file__).parent.glob('dask-gateway-proxy'))"
    program = platform.python(code).strip()
    assert "log-level" in platform.run(program, "--help").stderr.lower()


def test_what_the_hub_is_configured_with_imports(platform: Image) -> None:
    code = """
import dask_gateway_server.app, jupyterhub.app, jupyterhub_idle_culler, kubernetes_asyncio, kubespawner
import oauthenticator.generic, psycopg, sqlalchemy
sqlalchemy.create_engine("postgresql+psycopg://hub@localhost/hub")
import geodes_datalab.hub.culler
from geodes_datalab.hub import apply, apply_gateway, load
print(psycopg.pq.__impl__)
"""
    assert platform.python(code).strip() == "binary"


def test_nothing_is_missing_but_what_searching_needs(platform: Image) -> None:
    missing = json.loads(platform.python(REQUIREMENTS))
    assert {name for name, _ in missing} == {"geodes-datalab"}
    assert {"shapely", "pystac"} <= {wanted for _, wanted in missing}
    heavy = "import importlib.util as u; print([n for n in ('numpy', 'dask', 'pandas', 'pip') if u.find_spec(n)])"
    assert platform.python(heavy).strip() == "[]"


PAGES = r"""
import pathlib, re, sys
share = pathlib.Path(sys.prefix) / "share/jupyterhub"
text = "".join(path.read_text() for path in share.glob("templates/*.html")).replace("'", '"')
wanted = re.findall(r'static_url\("([^"]+\.(?:js|css))"', text)
wanted += [f"components/{each}.js" for each in re.findall(r'"\.\./components/([\w./-]+)"', text)]
print(len(wanted), sorted({each for each in wanted if not (share / "static" / each).exists()}))
"""


def test_the_hubs_pages_have_their_scripts(platform: Image) -> None:
    count, absent = platform.python(PAGES).strip().split(" ", 1)
    assert int(count) >= 6
    assert absent == "['components/js-sha256/build/sha256.min.js']", (
        "not in JupyterHub's wheel either"
    )


def test_the_proxy_is_the_local_modes(platform: Image) -> None:
    wanted = json.loads((ROOT / "geodes_datalab/local/chp/package.json").read_text())[
        "dependencies"
    ]
    shown = platform.run("configurable-http-proxy", "--version").stdout.strip()
    assert shown == wanted["configurable-http-proxy"]

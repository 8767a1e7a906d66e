"""One list of variables, by which every client trusts the authorities of a site."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from geodes_datalab import _authorities
from geodes_datalab.local.trust import SITE

ROOT = Path(__file__).parents[2]


def python(code: str, *path: Path, **variables: str) -> str:
    """Run code in a fresh Python with folders before its path."""
    environment = {n: v for n, v in os.environ.items() if n not in _authorities.VARIABLES}
    environment["PYTHONPATH"] = os.pathsep.join(str(folder) for folder in path)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_one_client_was_told_all_are_told() -> None:
    given = {"REQUESTS_CA_BUNDLE": "/site.pem", "PIP_CERT": "/pip.pem", "LANG": "C"}
    told = _authorities.complete(given)
    assert told.keys() == {*_authorities.VARIABLES, "LANG"}
    assert {name for name, file in told.items() if file == "/site.pem"} == {
        *_authorities.VARIABLES
    } - {"PIP_CERT"}
    assert told["PIP_CERT"] == "/pip.pem"
    assert _authorities.complete(given, "/all.pem")["GDAL_CURL_CA_BUNDLE"] == "/all.pem"


@pytest.mark.parametrize("name", ["PIP_CERT", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE"])
def test_what_is_meant_for_one_server_stays_with_its_client(name: str) -> None:
    assert _authorities.complete({name: "/one.pem"}) == {name: "/one.pem"}


def test_the_chart_reads_the_same_list() -> None:
    path = ROOT / "helm/geodes-datalab/files/authorities.json"
    assert json.loads(path.read_text()) == sorted(_authorities.VARIABLES)


WATCHED = (
    "import sys; print('certifi' in sys.modules, end=' '); import certifi; print(certifi.where())"
)


def test_certifi_follows_the_variable(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("site")
    own = python("import certifi; print(certifi.where())")
    assert python(WATCHED, SITE, REQUESTS_CA_BUNDLE=str(bundle)) == f"False {bundle}"
    assert python(WATCHED, SITE, REQUESTS_CA_BUNDLE="/not/there") == f"False {own}"
    assert python(WATCHED, SITE) == f"False {own}"
    assert python(WATCHED, SITE, SSL_CERT_FILE=str(bundle)) == f"False {own}"
    contents = "import certifi; print(certifi.contents())"
    assert python(contents, SITE, REQUESTS_CA_BUNDLE=str(bundle)) == "site"


def test_netcdf_and_proj_take_it(tmp_path: Path) -> None:
    """Of themselves, one reads no variable, and the other makes its library forget it."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("site")
    asked = "import netCDF4; print(netCDF4.rc_get('HTTP.SSL.CAINFO'))"
    assert python(asked, REQUESTS_CA_BUNDLE=str(bundle)) != str(bundle)
    assert python(asked, SITE, REQUESTS_CA_BUNDLE=str(bundle)) == str(bundle)
    # That PROJ uses it is shown inside the image, by a server (tests/images/test_authority.py).
    asked = "import pyproj.network; print(pyproj.network.set_ca_bundle_path.__module__)"
    assert python(asked, SITE, SSL_CERT_FILE=str(bundle)) == "geodes_datalab._authorities"


def test_a_sitecustomize_of_somebody_else_runs_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.here = 'theirs'")
    code = "import sys; print(sys.here, 'sitecustomize' in sys.modules)"
    assert python(code, SITE, tmp_path) == "theirs True"
    assert python("import sys; print('sitecustomize' in sys.modules)", SITE) == "True"

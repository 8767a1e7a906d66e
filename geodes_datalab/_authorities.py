"""Certificate authorities of a site: the variables by which every client comes to trust them.

Each client has a variable of its own, and some have none but ask certifi. One list, for the chart (which
reads ``files/authorities.json``, made from it), for local mode and for what the hub tells its servers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

VARIABLES = {
    "SSL_CERT_FILE": "OpenSSL, thus Python's ssl, httpx, aiohttp, wget; uv, and libraries in Rust",
    "REQUESTS_CA_BUNDLE": "requests",
    "CURL_CA_BUNDLE": "curl",
    "GDAL_CURL_CA_BUNDLE": "GDAL in rasterio and pyogrio; importing pyogrio sets it, where nobody has",
    "PROJ_CURL_CA_BUNDLE": "PROJ in pyproj, rasterio and pyogrio; the same",
    "AWS_CA_BUNDLE": "boto3, s3fs, the AWS command line",
    "GIT_SSL_CAINFO": "git",
    "PIP_CERT": "pip",
    "NODE_EXTRA_CA_CERTS": "Node.js and npm",
    "GEODES_CA_BUNDLE": "this package",
}
"""Every variable that names a file of authorities, with who reads it."""

SOURCES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Of these, the ones that mean all authorities that are trusted; the others may name one server's."""

FSSPEC = {"FSSPEC_HTTP": '{"client_kwargs": {"trust_env": true}}'}
"""What lets fsspec, and with it Zarr and kerchunk, go out through the environment's web proxy."""


def named(environment: Mapping[str, str]) -> str:
    """Return the file of authorities that an environment names for all clients; empty: it names none.

    Parameters
    ----------
    environment
        Variables.
    """
    return next((environment[name] for name in SOURCES if environment.get(name)), "")


def complete(environment: Mapping[str, str], file: str = "") -> dict[str, str]:
    """Return an environment in which every client trusts the authorities that one of them was told of.

    Parameters
    ----------
    environment
        Variables; what they say is kept.
    file
        What the others get; else the file that is named.

    Examples
    --------
    >>> complete({"SSL_CERT_FILE": "/site.pem", "PIP_CERT": "/pip.pem"})["GIT_SSL_CAINFO"]
    '/site.pem'
    """
    result = named(environment)
    if not result:
        return dict(environment)
    return {**dict.fromkeys(VARIABLES, file or result), **environment}


def follow(name: str) -> None:
    """Let a module that has just been imported take the authorities that the environment names.

    Parameters
    ----------
    name
        Of the module, one of `GUARDS`.
    """
    module = sys.modules.get(name)
    if module is not None:
        GUARDS[name](module)


def watch() -> None:
    """Follow each of the modules as soon as this process imports it."""
    for name in GUARDS:
        follow(name)
    if not any(isinstance(finder, _Watch) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watch())


class _Watch:
    """A finder that finds nothing but what is followed.

    ``images/common/datalab_tls.py`` has one of its own: that runs at the start of every Python of the
    images, where it must import nothing, and where this package may not be there at all.
    """

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in GUARDS:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((item for item in specs if item is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = _followed(spec.loader.exec_module)  # type: ignore[method-assign, assignment]
        return spec


def _followed(execute: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    def exec_module(module: ModuleType) -> None:
        execute(module)
        follow(module.__name__)

    return exec_module


def _certifi(certifi: ModuleType) -> None:
    """Name the site's file in place of certifi's: netCDF4 has no variable, and takes certifi's.

    By the variable of certifi's best-known user: SSL_CERT_FILE may name a single server's authority.
    """
    own = certifi.where

    def where() -> str:
        return _told("REQUESTS_CA_BUNDLE") or str(own())

    def contents() -> str:
        return Path(where()).read_text("ascii", "ignore")

    for module in (certifi, sys.modules["certifi.core"]):
        vars(module).update(where=where, contents=contents)


def _pyproj(network: ModuleType) -> None:
    """Name the file: told of none, pyproj lets PROJ read the variables, and makes it forget them."""
    own = network.set_ca_bundle_path

    def set_ca_bundle_path(ca_bundle_path: Path | str | bool | None = None) -> None:
        told = _told("PROJ_CURL_CA_BUNDLE") or _told("SSL_CERT_FILE") or None
        own(told if ca_bundle_path is None else ca_bundle_path)

    network.set_ca_bundle_path = set_ca_bundle_path  # type: ignore[attr-defined]


def _told(name: str) -> str:
    file = os.environ.get(name, "")
    return file if Path(file).is_file() else ""


GUARDS: Mapping[str, Callable[[ModuleType], None]] = {
    "certifi": _certifi,
    "pyproj.network": _pyproj,
}
"""Modules that do not read a variable, or wrongly, with what makes them."""

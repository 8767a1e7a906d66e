"""Why does it not work? Checks, each with a verdict and what to do."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

import psutil
from rich.markup import escape
from rich.table import Table

from geodes_datalab import _grids, _proxies, auth, config
from geodes_datalab._display import size
from geodes_datalab._language import gettext, mark, shown, translated
from geodes_datalab.errors import AuthenticationError, GeodesError
from geodes_datalab.local import node, ports
from geodes_datalab.local import runtime as run
from geodes_datalab.local.layout import Layout, make_cache

COLOURS = {mark("ok"): "green", mark("warn"): "yellow", mark("fail"): "red"}
PACKAGES = (
    "geodes-datalab",
    "jupyterhub",
    "jupyterlab",
    "jupyter-server-proxy",
    "dask",
    "distributed",
    "dask-gateway",
    "dask-gateway-server",
)
"""Packages whose versions matter when something does not work."""

_GB = 10**9
DISK = {"fail": 1 * _GB, "warn": 5 * _GB}
MEMORY = {"fail": 1 * _GB, "warn": 3 * _GB}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table."""

    subject: str
    verdict: str
    """ok, warn or fail."""
    found: str
    advice: str = ""


def examine(layout: Layout, *, offline: bool = False) -> list[Finding]:
    """Check this machine.

    Parameters
    ----------
    layout
        State folder of the datalab that should run.
    offline
        Skip what needs the network.
    """
    checks: list[Callable[[], Finding]] = [
        lambda: check_ports(layout),
        lambda: check_folder(layout),
        lambda: check_disk(layout),
        check_cache,
        check_memory,
        check_proxies,
        check_node,
        *(partial(check_package, name) for name in PACKAGES),
        check_grids,
        check_python,
        check_key,
    ]
    result = [check() for check in checks]
    return result if offline else [*result, check_geodes()]


def table(findings: list[Finding]) -> Table:
    """Return the findings as a table for the terminal."""
    result = Table(title="geodes-datalab doctor", title_justify="left")
    for name in (gettext("Subject"), "", gettext("Found"), gettext("What to do")):
        result.add_column(name, overflow="fold")
    for finding in findings:
        colour = COLOURS[finding.verdict]
        verdict = f"[{colour}]{shown(finding.verdict)}[/]"
        told = (shown(translated(text)) for text in (finding.found, finding.advice))
        result.add_row(shown(finding.subject), verdict, *map(escape, told))  # "[node]" is no style
    return result


def check_ports(layout: Layout) -> Finding:
    """Tell whether a start with the default ports would find them free."""
    runtime = run.read(layout)
    if runtime is not None:
        return Finding(mark("ports"), "ok", f"the datalab runs at {runtime.url}")
    numbers = asdict(ports.block(8000)).values()
    taken = [f"{port} ({ports.holder(port)})" for port in numbers if not ports.is_free(port)]
    if taken:
        advice = "geodes-datalab up --port auto, or stop what holds them"
        return Finding(mark("ports"), "warn", "taken: " + ", ".join(taken), advice)
    return Finding(mark("ports"), "ok", f"{min(numbers)} to {max(numbers)} are free")


def check_folder(layout: Layout) -> Finding:
    """Tell whether the state folder is closed to others."""
    if not layout.root.exists():
        return Finding(mark("state folder"), "ok", f"{layout.root} (made at the first start)")
    if layout.root.stat().st_mode & 0o077:
        advice = f"chmod 700 {layout.root} (the next start does it)"
        return Finding(mark("state folder"), "warn", f"{layout.root} is open to others", advice)
    return Finding(mark("state folder"), "ok", str(layout.root))


def check_disk(layout: Layout) -> Finding:
    """Tell how much room the homes have."""
    folder = next(p for p in (layout.root, *layout.root.parents) if p.exists())
    free = shutil.disk_usage(folder).free
    advice = "free some space, or choose another folder with --state-dir"
    return _measured(mark("disk"), free, DISK, f"{size(free)} free in {folder}", advice)


def check_memory() -> Finding:
    """Tell how much memory is left (the datalab takes 0.5 GB, each user 0.2 GB and more)."""
    memory = psutil.virtual_memory()
    words = f"{size(memory.available)} free of {size(memory.total)}"
    return _measured(mark("memory"), memory.available, MEMORY, words, "close other programs")


def check_proxies() -> Finding:
    """Tell whether a web proxy would get in the way of this machine talking to itself."""
    names = [n for n in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") if _variable(n)]
    if not names:
        return Finding(mark("web proxy"), "ok", "none set")
    if not all(map(_proxies.is_exempt, (f"http://{ports.HOST}/", "http://localhost/"))):
        advice = f"export NO_PROXY={ports.HOST},localhost (the datalab sets it for its own parts)"
        result = f"{', '.join(names)} set, NO_PROXY lacks {ports.HOST} or localhost"
        return Finding(mark("web proxy"), "warn", result, advice)
    troubles = {_proxies.trouble(address) for name in names for address in [_variable(name)]}
    dead = sorted(filter(None, troubles))
    if dead:
        return Finding(
            mark("web proxy"), "fail", "; ".join(dead), "correct the variables, or unset them"
        )
    return Finding(mark("web proxy"), "ok", f"{', '.join(names)}; this machine is exempt")


def check_cache() -> Finding:
    """Tell whether there is a place for what is fetched or packed once."""
    try:
        return Finding(mark("cache folder"), "ok", str(make_cache()))
    except GeodesError as error:
        return Finding(mark("cache folder"), "fail", error.message, error.hint or "")


def check_node() -> Finding:
    """Tell whether the hub's proxy can run."""
    try:
        result = node.find()
    except GeodesError as error:
        return Finding("node", "fail", error.message, error.hint or "")
    installed = node.install_folder().is_dir()
    proxy = "proxy installed" if installed else "proxy is installed at the first start"
    return Finding("node", "ok", f"{result.version} ({result.program}); {proxy}")


def check_package(name: str) -> Finding:
    """Tell a package's version."""
    try:
        return Finding(name, "ok", version_of(name))
    except PackageNotFoundError:
        advice = 'pip install "geodes-datalab[hub,lab,services]"'
        return Finding(name, "fail", "not installed", advice)


def check_grids() -> Finding:
    """Tell whether PROJ can turn heights, in each library that has a PROJ of its own."""
    missing = _grids.missing()
    lacking = {name: words for name, words in missing.items() if words}
    if not missing:  # conda's libraries share one PROJ, and a package of grids
        return Finding(mark("grids"), "ok", "not looked for: no library here has a PROJ of its own")
    if _grids.fetched():
        return Finding(mark("grids"), "ok", "PROJ may fetch them from the network (PROJ_NETWORK)")
    if lacking:
        told = "; ".join(f"{name}: {', '.join(words)}" for name, words in lacking.items())
        return Finding(
            mark("grids"),
            "warn",
            f"grids are missing, heights are not turned ({told})",
            _grids.HINT,
        )
    return Finding(mark("grids"), "ok", f"{', '.join(_grids.GRIDS)}")


def check_python() -> Finding:
    """Tell Python, its OpenSSL and the machine."""
    import ssl

    result = f"{platform.python_version()}, {ssl.OPENSSL_VERSION}, {platform.platform()}"
    return Finding("python", "ok", f"{result}, {sys.executable}")


def check_key() -> Finding:
    """Tell where the GEODES key comes from."""
    try:
        result = auth.find()
    except GeodesError as error:
        return Finding(mark("GEODES key"), "fail", error.message, error.hint or "")
    if result is None:
        advice = "only for --catalogue geodes: geodes_datalab.login() stores your key"
        return Finding(mark("GEODES key"), "warn", "none", advice)
    return Finding(mark("GEODES key"), "ok", f"from {result.source}")


def check_geodes() -> Finding:
    """Tell whether GEODES answers, and takes the key where there is one."""
    from geodes_datalab._http import Client
    from geodes_datalab.stac.account import quota

    settings = config.load(timeout=10.0, retries=0)
    try:
        with Client(settings) as client:
            client.get_json(f"{settings.stac_url}/collections", params={"limit": "1"})
        told = f"; quota: {quota(config=settings)}" if auth.find() else ""
    except AuthenticationError as error:
        return Finding("GEODES", "fail", error.message, error.hint or "")
    except GeodesError as error:
        advice = "work with the sample catalogue, or correct proxy, certificates (GEODES_CA_BUNDLE)"
        return Finding("GEODES", "warn", error.message, advice)
    return Finding("GEODES", "ok", f"{settings.stac_url} answers{told}")


def _measured(
    subject: str, value: float, bounds: dict[str, int], found: str, advice: str
) -> Finding:
    for verdict in ("fail", "warn"):
        if value < bounds[verdict]:
            return Finding(subject, verdict, found, advice)
    return Finding(subject, "ok", found)


def _variable(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.lower()) or ""

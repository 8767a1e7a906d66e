"""What the terminal shows: the ready table and the status table."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import psutil
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from geodes_datalab._display import size
from geodes_datalab._language import gettext, mark, shown
from geodes_datalab.local import family, secrets
from geodes_datalab.local.layout import Layout
from geodes_datalab.local.runtime import PartState, Runtime
from geodes_datalab.settings import Secret, load

_SIGNS = {
    "ipykernel": mark("kernels"),
    "jupyterhub.singleuser": mark("user servers"),
    "dask scheduler": mark("Dask schedulers"),
    "dask worker": mark("Dask workers"),
}
"""What command lines of users' processes hold."""

OTHERS = mark("other processes")

COLOURS = {"ready": "green", "failed": "red", "degraded": "red"}

STATES = (
    mark("waiting"), mark("starting"), mark("ready"), mark("restarting"), mark("failed"),
    mark("stopping"), mark("stopped"), mark("degraded"),
)  # fmt: skip
"""Of the datalab and of its parts."""


def ready(layout: Layout, runtime: Runtime) -> Table:
    """Return the table that greets the operator; it shows the password, as it is for the screen."""
    whole = runtime.state != "degraded"
    title = (
        gettext("geodes-datalab is ready")
        if whole
        else gettext("geodes-datalab runs, but not all of it (see: status)")
    )
    table = Table(title=title, show_header=False, title_justify="left")
    rows = {
        gettext("Open"): runtime.url,
        **_log_in(layout),
        gettext("Catalogue"): runtime.catalogue,
        "Dask Gateway": gettext("{address} (from the notebooks)", address=runtime.gateway),
        gettext("Homes"): str(layout.homes),
        gettext("Logs"): f"{layout.logs} (geodes-datalab logs hub)",
        gettext("Stop"): gettext("Ctrl-C here, or geodes-datalab down"),
    }
    for name, value in rows.items():
        table.add_row(name, escape(value))
    table.caption = gettext(
        "Everything listens on this machine only. All users' servers run under your account: for you, "
        "or for people who trust each other."
    )
    return table


def _log_in(layout: Layout) -> dict[str, str]:
    """Say how people log in, as the settings have it: the password, or who asks for another one."""
    auth = load(layout.settings).auth
    admins = ", ".join(auth.admins)
    users = gettext("{names} (and nobody else)", names=", ".join(auth.users)) if auth.users else ""
    if auth.type != "shared-password":
        by = gettext("by {kind}", kind=auth.type)
        if auth.type == "oidc":
            by = auth.oidc.login_service or gettext("with your account of the identity provider")
        rows = {
            gettext("Log in"): by,
            gettext("Users"): users,
            gettext("Administrators"): admins,
        }
        return {name: text for name, text in rows.items() if text}
    names = users or gettext("any: small letters, digits, . _ - (a home of its own for each)")
    password = _password(layout, "password", auth.password)
    rows = {gettext("User name"): names, gettext("Password"): password}
    if admins:
        own = secrets.path(layout, "admin-password")
        place = auth.admin_password
        command = "geodes-datalab password --admin"
        where = command if place and place.file == own else _place(place)
        told = gettext("{names}, with the password of: {where}", names=admins, where=where)
        rows[gettext("Administrator")] = told
    return rows


def _password(layout: Layout, name: str, place: Secret | None) -> str:
    if place and place.file == secrets.path(layout, name):
        return secrets.read(layout, name)
    return gettext("that of {place}", place=_place(place))


def _place(secret: Secret | None) -> str:
    if secret is None:
        return gettext("nobody")
    return str(secret.file or gettext("the variable {name}", name=secret.env))


def status(layout: Layout, runtime: Runtime) -> Table:
    """Return one line per part, and one for what users run."""
    colour = COLOURS.get(runtime.state, "yellow")
    table = Table(
        title=f"[{colour}]{shown(runtime.state)}[/]  {runtime.url}  {escape(runtime.catalogue)}",
        title_justify="left",
        box=SIMPLE,
    )
    for name, right in _columns().items():
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in part_rows(runtime):
        colour = COLOURS.get(row["state"], "yellow")
        table.add_row(
            row["name"],
            str(row["pid"] or "-"),
            f"[{colour}]{shown(row['state'])}[/]",
            _duration(row["uptime"]),
            size(row["memory"]),
            str(row["restarts"]),
            urlsplit(row["url"]).netloc or "-",
        )
    for row in user_rows(layout, runtime):
        memory = size(row["memory"])
        running = gettext("{count} running", count=row["count"])
        table.add_row(shown(row["kind"]), "", running, "", memory, "", "")
    return table


def _columns() -> dict[str, bool]:
    """Return what stands over the columns of the status, and whether it is a number."""
    return {
        gettext("Part"): False,
        "Pid": True,
        gettext("State"): False,
        gettext("Up"): False,
        gettext("Memory"): True,
        gettext("Restarts"): True,
        gettext("Answers at"): False,
    }


def facts(layout: Layout, runtime: Runtime | None) -> dict[str, Any]:
    """Return what runs, for programs; without a running datalab its state and its folder alone."""
    result: dict[str, Any] = {"state": "stopped", "state_dir": str(layout.root)}
    if runtime is not None:
        result |= {
            "state": runtime.state,
            "url": runtime.url,
            "catalogue": runtime.catalogue,
            "gateway": runtime.gateway,
            "pid": runtime.pid,
            "password_file": str(secrets.path(layout, "password")),
            "logs": str(layout.logs),
            "parts": part_rows(runtime),
            "users": user_rows(layout, runtime),
        }
    return result


def part_rows(runtime: Runtime) -> list[dict[str, Any]]:
    """Return facts about each part."""
    return [_part_row(part) for part in runtime.parts]


def user_rows(layout: Layout, runtime: Runtime) -> list[dict[str, Any]]:
    """Return number and memory (bytes) of the processes of users, by kind."""
    own = {part.pid for part in runtime.parts}
    kinds: dict[str, list[int]] = {}
    for process in family.members(layout.instance, without=own):
        try:
            kind, memory = _kind(process), process.memory_info().rss
        except psutil.Error:
            continue
        kinds.setdefault(kind, []).append(memory)
    return [
        {"kind": kind, "count": len(result), "memory": sum(result)}
        for kind, result in sorted(kinds.items())
    ]


def _part_row(part: PartState) -> dict[str, Any]:
    try:
        memory = psutil.Process(part.pid).memory_info().rss if part.pid else None
    except psutil.Error:
        memory = None
    return {
        "part": part.title,
        "name": part.name,
        "pid": part.pid,
        "state": part.state,
        "uptime": time.time() - part.since if part.pid else None,
        "memory": memory,
        "restarts": part.restarts,
        "url": part.url,
    }


def _kind(process: psutil.Process) -> str:
    """Name what a process is, or what it was started by."""
    for ancestor in (process, *process.parents()):
        text = " ".join(ancestor.cmdline())
        for sign, kind in _SIGNS.items():
            if sign in text:
                return kind
    return OTHERS


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"

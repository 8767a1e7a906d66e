"""What a notebook shows of a cluster: state, size, and one button to the dashboard."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from html import escape
from typing import Any, Protocol

from geodes_datalab._display import shown_size
from geodes_datalab._language import gettext
from geodes_datalab._optional import have
from geodes_datalab._theme import ACCENT, BORDER, ON_ACCENT

TOLD = "geodes_datalab_dashboard"
"""By this name the Lab's page is told of a dashboard, and connects its Dask panel (``server/lab/data``)."""

_CARD = (
    "display:inline-block;min-width:24em;padding:8px 14px;border-radius:4px;"
    f"border:1px solid {BORDER};line-height:1.6"
)
_BUTTON = (
    "display:inline-block;margin:4px 10px 2px 0;padding:1px 14px;border-radius:3px;text-decoration:none;"
    f"background:{ACCENT};color:{ON_ACCENT}"
)


class Shown(Protocol):
    """A cluster that can be shown."""

    status: str

    @property
    def name(self) -> str:
        """Name of the cluster."""

    @property
    def kind(self) -> str:
        """Where it runs."""

    @property
    def dashboard_link(self) -> str | None:
        """Where a browser finds the dashboard."""


class Cards:
    """The cards of one cluster in a notebook, each kept true when the cluster is closed."""

    def __init__(self) -> None:
        self._shown: list[Any] = []

    def show(self, cluster: Any) -> None:
        """Show a cluster below the cell that runs.

        Parameters
        ----------
        cluster
            With a ``_repr_html_``.
        """
        from IPython.display import display

        link = cluster.dashboard_link if cluster.status == "running" else None
        told = {TOLD: link} if link else {}  # part of the message, and of no saved notebook
        shown = display(_bundle(cluster), raw=True, display_id=True, transient=told)  # type: ignore[no-untyped-call]
        if shown is not None:
            self._shown.append(shown)

    def renew(self, cluster: Any) -> None:
        """Let all of them say how the cluster is now; a notebook that has gone is no trouble.

        Parameters
        ----------
        cluster
            As for `show`.
        """
        for shown in self._shown:
            with contextlib.suppress(Exception):
                shown.update(_bundle(cluster), raw=True)

    def forget(self) -> None:
        """Leave them as they are: the kernel ends."""
        self._shown.clear()


def html(cluster: Shown, workers: Mapping[str, Any], asked: str) -> str:
    """Write a cluster as a card.

    Parameters
    ----------
    cluster
        Name, kind, state and dashboard.
    workers
        What the scheduler knows of each.
    asked
        How many there are of those asked for, in words.
    """
    head = escape(gettext("Dask cluster {name} ({kind})", name=cluster.name, kind=cluster.kind))
    states = {
        "starting": gettext("starting"),
        "running": gettext("running"),
        "closed": gettext("closed"),
    }
    state = escape(states.get(cluster.status, cluster.status))
    lines = [_row(head, f"<b>{state}</b>")]
    if cluster.status == "running":
        facts = (
            _row(gettext("Workers"), asked),
            _row(gettext("Cores"), cores(workers)),
            _row(gettext("Memory"), shown_size(memory(workers))),
        )
        lines += [escape(", ".join(facts)), _button(cluster.dashboard_link)]
    return f'<div style="{_CARD}">{"<br>".join(lines)}</div>'


def cores(workers: Mapping[str, Any]) -> int:
    """Return how many threads the workers have."""
    return sum(int(worker["nthreads"]) for worker in workers.values())


def memory(workers: Mapping[str, Any]) -> int:
    """Return how many bytes the workers may use."""
    return sum(int(worker["memory_limit"] or 0) for worker in workers.values())


def _bundle(cluster: Any) -> dict[str, str]:
    return {"text/plain": repr(cluster), "text/html": cluster._repr_html_()}


def _row(label: str, value: object) -> str:
    return gettext("{label}: {value}", label=label, value=value)


def _button(link: str | None) -> str:
    if link is None or not link.startswith(("/", "http://", "https://")):
        return escape(gettext("no dashboard here"))
    panel = gettext("also in the Dask panel, at the left") if have("dask_labextension") else ""
    return (
        f'<a style="{_BUTTON}" href="{escape(link, quote=True)}" target="_blank" rel="noopener">'
        f"{escape(gettext('Dashboard'))}</a>{escape(panel)}"
    )

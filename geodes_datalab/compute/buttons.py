"""A stop button beside each cluster of `clusters`, where the notebook has widgets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

from geodes_datalab._language import gettext
from geodes_datalab._optional import have
from geodes_datalab._tracebacks import told
from geodes_datalab.errors import ClusterError


class Clusters(Protocol):
    """A table of clusters that can be stopped."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def _repr_html_(self) -> str: ...
    def stop(self, name: str) -> None:
        """Stop the cluster of a name."""


def bundle(found: Clusters, *, include: Any = None, exclude: Any = None) -> dict[str, Any]:
    """Return a table of clusters as a notebook shows it: with buttons, or at least as HTML.

    Parameters
    ----------
    found
        The clusters.
    include, exclude
        As IPython asks.
    """
    plain = {"text/plain": repr(found), "text/html": found._repr_html_()}
    if not len(found) or not have("ipywidgets"):
        return plain
    shown = panel(found)._repr_mimebundle_(include=include, exclude=exclude)
    return {**plain, **dict(shown), "text/plain": repr(found)}


def panel(found: Clusters) -> Any:
    """Return the table and one button for each cluster, as an ``ipywidgets.VBox``.

    Parameters
    ----------
    found
        The clusters.
    """
    import ipywidgets

    table = ipywidgets.HTML(found._repr_html_())
    buttons = []
    for item in found:
        label = gettext("Stop {name}", name=item.name[:8])
        button = ipywidgets.Button(description=label, tooltip=item.name)
        button.on_click(partial(_stop, found, item.name))
        buttons.append(button)
    return ipywidgets.VBox([table, ipywidgets.HBox(buttons)])


def _stop(found: Clusters, name: str, button: Any) -> None:
    """Stop a cluster, and say on its button what came of it."""
    button.disabled = True
    try:
        found.stop(name)
    except ClusterError as error:
        button.description, button.tooltip = gettext("not stopped"), told(error)
        button.disabled = False
    else:
        button.description = gettext("stopped")

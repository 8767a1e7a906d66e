"""Whether notebook, scheduler and workers run the same software."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from geodes_datalab.errors import ClusterError, ClusterWarning

DECISIVE = ("python", "dask", "distributed", "cloudpickle", "msgpack")
"""Packages without which tasks cannot travel: a difference is an error."""

OURS = "geodes-datalab"
"""This package: other versions are a warning, its absence is an error."""

COMPARED = ("numpy", "pandas", "xarray", "rasterio", "odc-stac", OURS)
"""Packages whose difference gives wrong or failing tasks now and then: a warning."""


@dataclass(frozen=True)
class Difference:
    """One package that differs between the notebook and another process of the cluster."""

    package: str
    here: str
    there: str
    where: str
    """``the scheduler``, or ``2 of 3 workers``."""

    @property
    def decisive(self) -> bool:
        """Whether tasks could not travel, or workers could not read as the user does."""
        return self.package in DECISIVE or (self.package == OURS and self.there == "none")

    def __str__(self) -> str:
        """Return a line for people."""
        return f"{self.package}: {self.here} here, {self.there} on {self.where}"


def check(client: Any, cure: str, *, only_decisive: bool = False) -> None:
    """Compare versions over the whole cluster.

    Parameters
    ----------
    client
        A `distributed.Client`.
    cure
        What the user can do about a difference.
    only_decisive
        Say nothing of differences that are no error (a later call will).

    Raises
    ------
    ClusterError
        Python's minor version or Dask differs.

    Warns
    -----
    ClusterWarning
        Another package differs.
    """
    result = differences(client.get_versions(packages=list(COMPARED)))
    text = "the cluster runs other software than this notebook:\n" + "\n".join(
        f"  {line}" for line in result
    )
    if any(line.decisive for line in result):
        raise ClusterError(text, hint=cure)
    if result and not only_decisive:
        warnings.warn(ClusterWarning(f"{text}\n  What to do: {cure}"), stacklevel=4)


def differences(report: Mapping[str, Any]) -> list[Difference]:
    """Return what differs.

    Parameters
    ----------
    report
        As ``distributed.Client.get_versions`` returns it.
    """
    here = _versions(report["client"])
    result = _compare(here, [_versions(report["scheduler"])], "the scheduler")
    workers = [_versions(item) for item in report["workers"].values()]
    return result + _compare(here, workers, "workers")


def _versions(report: Any) -> dict[str, str]:
    if not isinstance(report, Mapping):  # a worker that did not answer
        return {}
    result = {name: str(value or "none") for name, value in report["packages"].items()}
    result["python"] = ".".join(result["python"].split(".")[:2])
    return result


def _compare(
    here: Mapping[str, str], there: Iterable[Mapping[str, str]], who: str
) -> list[Difference]:
    answers = [item for item in there if item]
    result = []
    for package in (*DECISIVE, *COMPARED):
        own = here.get(package, "none")
        for version, count in sorted(
            Counter(item.get(package, "none") for item in answers).items()
        ):
            if version != own:
                where = who if who != "workers" else f"{count} of {len(answers)} workers"
                result.append(Difference(package, own, version, where))
    return result

"""The whole way of a user, in a process of its own: log in, search, load, compute, download.

Everything that a user or an operator could see or keep is collected in a folder: reprs, HTML, logs
at DEBUG, pickles of graphs, netCDF attributes, tracebacks with local variables, the Dask logs.
Run as ``python journey.py FOLDER KEYFILE``; the stand-in's address comes by GEODES_PORTAL.
"""

from __future__ import annotations

import logging
import pickle
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import cloudpickle

BBOX = (-67.66, -47.862, -67.63, -47.85)
DATES = "2021-11/2022-03"


class Evidence:
    """What was seen, kept as files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, *values: object) -> None:
        raw = b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in values)
        (self._folder / name).write_bytes(raw)

    def show(self, name: str, value: Any) -> None:
        html = value._repr_html_() if hasattr(value, "_repr_html_") else ""
        self.keep(name + ".repr", repr(value), str(value), html or "")

    def failure(self, name: str, function: Any) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001 - whatever comes is evidence
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            self.keep(name + ".traceback", repr(error), str(error), "".join(told.format()))
        else:
            raise AssertionError(f"{name} was meant to fail")


def journey(seen: Evidence, folder: Path, key: str) -> None:
    import geodes_datalab as gd
    from geodes_datalab import auth

    seen.show("account", gd.login(key))
    seen.show("found", auth.find())
    seen.show("status", gd.status())
    items = gd.search("THEIA_REFLECTANCE_SENTINEL2_L2A", bbox=BBOX, datetime=DATES)
    assert len(items) >= 3
    seen.show("items", items)
    seen.keep("items.pickle", pickle.dumps(items))
    items.to_parquet(folder / "items.parquet")
    slow = 600  # seconds: a program of its own, that does not know the tests' patience
    with gd.open_cluster(workers=1, backend="local", worker_cores=1, timeout=slow) as cluster:
        seen.show("cluster", cluster)
        seen.show("clusters", gd.clusters())
        for engine in ("odc", "stackstac"):
            _compute(seen, engine, gd.load(items, ["red", "nir"], bbox=BBOX, engine=engine))
        client = cluster.client
        seen.keep("dask.logs", client.get_scheduler_logs(), client.get_worker_logs())
        seen.keep("dask.tasks", client.story(), client.scheduler_info(), client.get_events())
    paths = gd.download(items[:1], folder / "products")
    seen.keep("download", paths)
    seen.failure("bad-download", lambda: gd.download(_spoilt(items), folder / "bad"))
    seen.failure("bad-load", lambda: gd.load(_spoilt(items), ["red"]).compute())


def _compute(seen: Evidence, engine: str, cube: Any) -> None:
    seen.show(f"cube-{engine}", cube)
    seen.keep(
        f"cube-{engine}.pickle", cloudpickle.dumps(cube), cloudpickle.dumps(cube.__dask_graph__())
    )
    seen.keep(f"cube-{engine}.graph", *(repr(task) for task in dict(cube.__dask_graph__()).items()))
    assert float(cube["red"].mean().compute()) > 0


def _spoilt(items: Any) -> Any:
    """Return pystac items whose file the server does not have."""
    from geodes_datalab import stac

    item = items[0].clone()
    _, asset = stac.data_asset(items.dicts[0])
    item.assets["data"].href = asset["href"][:-6] + "ffffff"
    return [item]


def main() -> None:
    folder = Path(sys.argv[1])
    logging.basicConfig(level=logging.DEBUG, filename=folder / "debug.log")
    warnings.simplefilter("always")
    logging.captureWarnings(capture=True)
    journey(Evidence(folder), folder, Path(sys.argv[2]).read_text())


if __name__ == "__main__":
    main()

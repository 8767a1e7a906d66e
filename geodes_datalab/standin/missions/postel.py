"""POSTEL's leaf area index of the globe: HDF5, packed by gzip, of a simulated month."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import BytesIO

import numpy as np

from geodes_datalab.standin.missions.made import SIMULATED, Made

SHAPE = (3600, 7200)
NAME = "THEIA_GEOV2_R01_AVHRR_LAI_20150615"


def products() -> Iterator[Made]:
    """Yield one product."""
    yield Made(
        "THEIA_POSTEL_VEGETATION_LAI", NAME, (-180.0, -90.0, 180.0, 90.0), "2015-06-15T00:00:00Z",
        {f"{NAME}.h5.gz": _packed()}, properties={"processing:level": "L3"},
    )  # fmt: skip


def _packed() -> bytes:
    """Return a file that holds nothing but some leaves between 0 and 10 degrees east, 40 and 50 north."""
    import h5py  # type: ignore[import-untyped]

    stored = np.full(SHAPE, 255, "u1")
    rows, columns = slice(800, 1000), slice(3600, 3800)
    stored[rows, columns] = np.arange(200, dtype="u1")[None, :]
    into = BytesIO()
    with h5py.File(into, "w", track_order=False) as file:
        made = file.create_dataset(
            "LAI", data=stored, chunks=(200, 400), compression="gzip", track_times=False
        )
        made.attrs["LONG_NAME"] = "Leaf area index"
        file.attrs["comment"] = SIMULATED
    return gzip.compress(into.getvalue(), mtime=0)

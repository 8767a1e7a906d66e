"""GRACE as SAGSA distributes it: a grid of water heights as text, harmonics as text, both of simulated months."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.made import SIMULATED, Made

WORLD = (-180.0, -90.0, 180.0, 90.0)


def height(longitude: Any, latitude: Any, month: int) -> Any:
    """Return a water height (m): a wave around the globe that moves by a month's step."""
    return (
        0.1 * np.sin(np.radians(np.asarray(longitude) + 30 * month)) * np.cos(np.radians(latitude))
    )


def products() -> Iterator[Made]:
    """Yield water heights of two months that are not neighbours, and a gravity field."""
    for month, day in ((4, "2017-04-15"), (6, "2018-06-15")):
        name = f"GRGS_RL05_EWH_SVD_{day[:7].replace('-', '')}"
        yield Made(
            "L2B_CNES_SAGSA_GFQ_EWH_SVD_1MONTH", name, WORLD, f"{day}T00:00:00Z",
            {f"{name}.txt": _grid(month)}, properties={"platform": "GRACE", "processing:level": "L2B"},
        )  # fmt: skip
    name = "GRGS_RL05_GSM_201704"
    yield Made(
        "L2A_CNES_SAGSA_GGM_SVD_1MONTH", name, WORLD, "2017-04-15T00:00:00Z", {f"{name}.gfc": _field()},
        properties={"platform": "GRACE", "processing:level": "L2A"},
    )  # fmt: skip


def _grid(month: int) -> bytes:
    longitude, latitude = np.meshgrid(-179.5 + np.arange(360.0), 89.5 - np.arange(180.0))
    numbers = height(longitude, latitude, month).ravel()
    lines = ("".join(f" {one:13.6E}" for one in row) for row in numbers.reshape(-1, 10))
    return ("\n".join(lines) + "\n").encode()


def _field() -> bytes:
    """Return a field of degree 4: that of the ellipsoid's flattening, and some of the rest."""
    coefficients = {
        (0, 0): (1.0, 0.0), (2, 0): (-4.841652e-4, 0.0), (2, 1): (-2.0661e-10, 1.3844e-9),
        (2, 2): (2.4393836e-6, -1.400266e-6), (3, 0): (9.571893e-7, 0.0), (4, 4): (-1.88e-7, 3.088e-7),
    }  # fmt: skip
    rows = [
        f"gfc {degree:4d} {order:4d} {c: .12E} {s: .12E} {1e-12:.4E} {1e-12:.4E}"
        for (degree, order), (c, s) in coefficients.items()
    ]
    header = [
        f"comment {SIMULATED}", "begin_of_head", "product_type gravity_field", "modelname SIMULATED",
        "earth_gravity_constant 0.3986004415E+15", "radius 0.6378136460E+07", "max_degree 4",
        "errors formal", "norm fully_normalized", "tide_system tide_free", "end_of_head",
    ]  # fmt: skip
    return ("\n".join([*header, *rows]) + "\n").encode()

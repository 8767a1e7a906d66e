"""What the drawn farmland looks like on a day: crops that grow and ripen, a river, woods, a village."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from geodes_datalab.standin.samples.lumps import blur, lumps, mean_of_four
from geodes_datalab.standin.samples.parcels import GRID, Parcel, land
from geodes_datalab.standin.samples.simulate import HAZE
from geodes_datalab.standin.samples.sources import BANDS, GSD

Curve = tuple[tuple[int, int], ...]

SPECTRA = {
    "soil": (640, 880, 1130, 1850, 2850, 2450),
    "leaf": (260, 620, 310, 4500, 1750, 820),
    "needle": (170, 380, 200, 3300, 1350, 560),
    "straw": (900, 1250, 1560, 2650, 3250, 2500),
    "bloom": (420, 1350, 1150, 4300, 1900, 950),
    "water": (470, 600, 400, 170, 70, 45),
    "road": (1050, 1230, 1400, 2000, 2500, 2250),
    "roof": (1050, 1250, 1600, 2250, 2300, 2050),
}
"""Surface reflectance x 10000 in the order of the bands, rounded from what such covers usually have."""

GREEN: dict[str, Curve] = {
    "wheat": ((1, 250), (60, 450), (100, 850), (130, 950), (150, 800), (172, 200), (186, 0),
              (285, 0), (315, 120), (365, 250)),
    "sunflower": ((115, 0), (140, 120), (165, 550), (185, 900), (205, 900), (230, 450), (252, 80), (262, 0)),
    "maize": ((120, 0), (145, 120), (170, 550), (190, 920), (235, 950), (260, 600), (285, 150), (300, 0)),
    "rapeseed": ((1, 450), (70, 700), (95, 900), (125, 800), (150, 600), (172, 100), (190, 0),
                 (245, 0), (275, 350), (365, 450)),
    "meadow": ((1, 450), (60, 500), (100, 800), (140, 900), (160, 600), (185, 700), (215, 450),
               (240, 400), (280, 600), (365, 450)),
    "wood": ((1, 250), (85, 300), (115, 850), (140, 1000), (240, 920), (285, 700), (315, 300), (365, 250)),
}  # fmt: skip
"""Share of the ground under green leaves, thousandths, by day of the year."""

DRY: dict[str, Curve] = {
    "wheat": ((145, 0), (168, 550), (183, 900), (200, 650), (250, 300), (285, 0)),
    "sunflower": ((220, 0), (245, 450), (265, 500), (290, 100), (330, 0)),
    "maize": ((245, 0), (275, 500), (290, 600), (320, 200)),
    "rapeseed": ((150, 0), (168, 650), (185, 800), (230, 300), (250, 0)),
    "meadow": ((180, 0), (225, 350), (260, 200), (285, 0)),
    "wood": ((1, 300), (115, 0), (285, 0), (315, 300)),
}
"""Share of what is not green that is straw or dry leaves, thousandths."""

BLOOM: dict[str, Curve] = {
    "rapeseed": ((88, 0), (98, 800), (112, 900), (126, 0)),
    "sunflower": ((186, 0), (195, 300), (206, 300), (216, 0)),
}
"""Share of the green that is hidden by flowers, thousandths."""

VILLAGE = (105, 120, 27)
"""Row, column and radius in pixels."""

_SHAPE = (GRID.height, GRID.width)


def bands(day: int, *, seed: int) -> dict[str, Any]:
    """Return reflectance x 10000 (``int64``) at the top of a hazy atmosphere, without clouds.

    Parameters
    ----------
    day
        Day of the year.
    seed
        Of the noise of this date.
    """
    cover = _cover(day)
    noise = np.random.Generator(np.random.PCG64(seed))
    made = {}
    for index, name in enumerate(BANDS):
        mixed = sum(share * SPECTRA[kind][index] for kind, share in cover.items()) // 1000
        grain = _texture() + noise.integers(-12, 13, _SHAPE)
        pixels = mixed * grain // 1000 + HAZE[name]
        made[name] = pixels if GSD[name] == 10 else mean_of_four(pixels)
    return made


def drawn_fields() -> list[Parcel]:
    """Return the parcels that are fields from edge to edge, without river, wood or village."""
    taken = np.unique(land().labels[_water() | _bank() | _houses()])
    numbered = enumerate(land().parcels)
    return [one for index, one in numbered if one.crop != "wood" and index not in taken]


def _cover(day: int) -> dict[str, Any]:
    """Return the shares (thousandths) of each spectrum in each pixel."""
    shifts = np.random.Generator(np.random.PCG64(77)).integers(-9, 10, len(land().parcels))
    crops = np.array([parcel.crop for parcel in land().parcels])
    crops_of = np.where(_bank(), "wood", crops[land().labels])
    days = day - shifts[land().labels]
    green, dry, bloom = (np.zeros(_SHAPE, "int64") for _ in range(3))
    for crop, curve in GREEN.items():
        here = crops_of == crop
        green[here] = _on(curve, days[here])
        dry[here] = _on(DRY[crop], days[here])
        bloom[here] = _on(BLOOM[crop], days[here]) if crop in BLOOM else 0
    green = np.clip(green * _vigour() // 1000, 0, 1000)
    built = _built()
    rest, wooden = 1000 - green, crops_of == "wood"
    shares = {
        "soil": rest * (1000 - dry) // 1000,
        "straw": rest * dry // 1000,
        "bloom": green * bloom // 1000,
        "leaf": np.where(wooden, 0, green * (1000 - bloom) // 1000),
        "needle": np.where(wooden, green, 0),
    }
    natural = 1000 - sum(built.values())
    return {**{kind: share * natural // 1000 for kind, share in shares.items()}, **built}


@cache
def _built() -> dict[str, Any]:
    """Return the shares of water, roads and roofs, which last all year."""
    grain = blur(np.random.Generator(np.random.PCG64(5)).integers(0, 1000, _SHAPE), 3)
    roofs = np.where(_houses(), np.clip((grain - 380) * 4, 0, 900), 0)
    roads = np.where(land().roads & (roofs == 0), 750, 0)
    water = np.where(_water(), 1000, 0)
    return {
        "water": water,
        "road": np.where(water > 0, 0, roads),
        "roof": np.where(water > 0, 0, roofs),
    }


@cache
def _texture() -> Any:
    """Brightness around 1000: soils, and the grain of woods."""
    grain = lumps(_SHAPE, ((40, 3), (14, 3), (5, 3), (2, 2)), 11)
    soil = 1000 + (grain - 15_000) * 90 // 6000
    crown = np.random.Generator(np.random.PCG64(6)).integers(-130, 131, _SHAPE)
    parcel = np.random.Generator(np.random.PCG64(8)).integers(-90, 91, len(land().parcels))
    return soil + parcel[land().labels] + np.where(_bank() & ~_water(), crown, 0)


@cache
def _vigour() -> Any:
    """How well plants grow, around 1000: by parcel, with better and worse spots in it."""
    parcel = np.random.Generator(np.random.PCG64(9)).integers(860, 1080, len(land().parcels))
    spots = lumps(_SHAPE, ((30, 4), (12, 3), (4, 2)), 12)
    return parcel[land().labels] + (spots - 15_000) * 80 // 6000


@cache
def _from_river() -> Any:
    """Return the distance of each pixel to the middle of the river, in metres along the row."""
    bends = lumps((_SHAPE[0], 1), ((110, 5), (50, 2)), 3)[:, 0]
    middle = 2300 + (bends - bends.mean().astype("int64")) * 700 // 6000 - np.arange(_SHAPE[0]) * 2
    return np.abs(np.arange(_SHAPE[1])[None, :] * 10 + 5 - middle[:, None])


def _water() -> Any:
    return _from_river() < 55


def _bank() -> Any:
    """True in the woods along the river; those on parcels are not in it."""
    width = 75 + np.maximum(lumps(_SHAPE, ((24, 3), (8, 2)), 4) - 13_500, 0) * 130 // 6000
    return (_from_river() < width) & ~_water()


@cache
def _houses() -> Any:
    row, column, radius = VILLAGE
    rows, columns = np.indices(_SHAPE)
    ragged = radius**2 + (lumps(_SHAPE, ((16, 2), (6, 1)), 15) - 15_000) * 400 // 6000
    return (rows - row) ** 2 + (columns - column) ** 2 < ragged


def _on(curve: Curve, days: Any) -> Any:
    known, values = zip(*curve, strict=True)
    return np.rint(np.interp(days, known, values)).astype("int64")

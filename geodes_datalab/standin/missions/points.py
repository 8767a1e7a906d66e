"""Points, all simulated: SWOT's pixel cloud, echoes of Sentinel-3's altimeter, soundings of MicroCarb."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.hdf import Stored, flags, netcdf, packed
from geodes_datalab.standin.missions.made import SIMULATED, Made, zipped

_POINTS = ("points",)
_FILL = 9.96921e36
_CLASSES = {
    1: "land",
    2: "land_near_water",
    3: "water_near_land",
    4: "open_water",
    5: "dark_water",
    6: "low_coh_water_near_land",
    7: "open_low_coh_water",
}
_GEOLOCATION = {
    1: "layover_significant",
    4: "phase_unwrapping_suspect",
    524288: "specular_ringing_degraded",
    536870912: "tvp_bad",
}
_SINCE = {"units": "seconds since 2000-01-01 00:00:00.000", "calendar": "gregorian"}
_PASS = {
    "cycle_number": np.int16(5),
    "pass_number": np.int16(100),
    "crid": "PID0",
    "comment": SIMULATED,
}
_ROWS, _COLUMNS = 400, 80


def products() -> Iterable[Made]:
    """Return the sample products."""
    yield _cloud()
    yield _vectors()
    yield _echoes()
    yield _soundings()


def _river() -> tuple[Any, Any, Any, Any]:
    """Return rows and columns of the water's pixels, and their longitudes and latitudes (on the Garonne)."""
    rows, columns = (one.ravel() for one in np.indices((_ROWS, _COLUMNS)))
    return rows, columns, 1.30 + 0.0004 * columns - 0.0001 * rows, 43.70 + 0.0003 * rows


def _real(values: Any, units: str) -> Stored:
    return Stored(_POINTS, *packed(values, "f4", 1.0, _FILL, attrs={"units": units}))


def _cloud() -> Made:
    rows, columns, longitude, latitude = _river()
    seconds = 750_734_100.0 + rows * 0.003
    pixel = {
        "azimuth_index": Stored(_POINTS, rows.astype("i4"), 2147483647, {"units": "1"}),
        "range_index": Stored(_POINTS, columns.astype("i4"), 2147483647, {"units": "1"}),
        "latitude": Stored(_POINTS, latitude, _FILL, {"units": "degrees_north"}),
        "longitude": Stored(_POINTS, longitude, _FILL, {"units": "degrees_east"}),
        **_water(rows, columns),
        **_flags(rows.size),
        "illumination_time": Stored(_POINTS, seconds, _FILL, _SINCE),
        "interferogram": Stored(("points", "complex_depth"), np.ones((rows.size, 2), "f4"), _FILL),
        "pixc_line_qual": Stored(("num_pixc_lines",), np.zeros(_ROWS, "u4"), 4294967295, {}),
    }
    track = {"time": Stored(("num_tvps",), np.arange(10.0), _FILL, _SINCE)}
    name = "SWOT_L2_HR_PIXC_005_100_072L_20231016T011500_20231016T011511_PID0_01"
    told = {"title": "Level 2 KaRIn High Rate Water Mask Pixel Cloud", "tile_number": np.int16(72)}
    content = netcdf({"pixel_cloud": pixel, "tvp": track}, {**told, "swath_side": "L", **_PASS})
    return _swot("SWOT_L2_HR_PIXC", name, content)


def _water(rows: Any, columns: Any) -> dict[str, Stored]:
    """Return heights and what else was measured: a river that falls by 1 cm a line, and its banks."""
    apart = np.abs(columns - 40 - 8 * np.sin(rows / 9.0))
    water, near = apart < 12, apart < 14
    kind = np.where(water, 4, np.where(near, 3, 1)).astype("u1")
    surface = 120.0 - 0.01 * rows + np.where(near, 0.0, 4.0)
    geoid, solid, load, pole = 49.2 + 0.0001 * columns, 0.11, -0.006, 0.004
    speckle = np.random.default_rng(72).gamma(9.0, 1 / 9.0, rows.size)
    return {
        "height": _real(surface + geoid + solid + load + pole, "m"),
        "classification": Stored(_POINTS, kind, 255, flags(_CLASSES)),
        "water_frac": _real(np.where(water, 1.0, np.where(near, 0.4, 0.0)), "1"),
        "pixel_area": _real(240.0 + columns, "m^2"),
        "sig0": _real(np.where(near, 30.0, 2.0) * speckle, "1"),
        "cross_track": _real(20_000.0 + 30.0 * columns + speckle, "m"),
        "geoid": _real(geoid, "m"),
        "solid_earth_tide": _real(np.full(rows.size, solid), "m"),
        "load_tide_fes": _real(np.full(rows.size, load), "m"),
        "load_tide_got": _real(np.full(rows.size, load - 0.001), "m"),
        "pole_tide": _real(np.full(rows.size, pole), "m"),
    }


def _flags(count: int) -> dict[str, Stored]:
    quality, clean = np.zeros(count, "u4"), np.zeros(count, "u4")
    quality[[10, 11, 12]] = 4, 536870912, 536870912 + 1
    bits = flags(_GEOLOCATION, bits=True, dtype="u4")
    names = {"geolocation_qual": quality, "classification_qual": clean, "sig0_qual": clean}
    return {key: Stored(_POINTS, values, 4294967295, bits) for key, values in names.items()}


def _vectors() -> Made:
    rows, columns, longitude, latitude = _river()
    names = np.where(columns < 40, "23261000051", "").astype("S11")
    letters = names.view("S1").reshape(rows.size, 11)
    content = netcdf(
        {
            "/": {
                "azimuth_index": Stored(_POINTS, rows.astype("i4"), 2147483647, {}),
                "range_index": Stored(_POINTS, columns.astype("i4"), 2147483647, {}),
                "latitude_vectorproc": Stored(_POINTS, latitude, _FILL, {"units": "degrees_north"}),
                "longitude_vectorproc": Stored(_POINTS, longitude + 1e-5, _FILL, {"units": "degrees_east"}),
                "height_vectorproc": _real(169.3 - 0.01 * rows, "m"),
                "reach_id": Stored(("points", "nchar_reach_id"), letters, None, {"long_name": "reach"}),
            }
        },
        {"title": "Level 2 KaRIn High Rate Pixel Cloud Vector Attribute Product", **_PASS},
    )  # fmt: skip
    name = "SWOT_L2_HR_PIXCVec_005_100_072L_20231016T011500_20231016T011511_PID0_01"
    return _swot("SWOT_L2_HR_PIXCVec", name, content)


def _swot(collection: str, name: str, content: bytes) -> Made:
    return Made(
        collection=collection, identifier=name, bbox=(1.260, 43.70, 1.332, 43.820),
        start="2023-10-16T01:15:00Z", end="2023-10-16T01:15:11Z", files={f"{name}.nc": content},
        properties={"platform": "SWOT", "instrument": "KaRIn"},
    )  # fmt: skip


def _echoes() -> Made:
    name = "S3A_SR_1_SRA____20240315T100000_20240315T100015_20240316T000000_0015_110_022______PS1_O_ST_005"
    told = {"absolute_pass_number": np.int32(83000), "comment": SIMULATED}
    members = {
        f"{name}.SEN3/xfdumanifest.xml": b'<?xml version="1.0" encoding="UTF-8"?>\n<xfdu/>\n',
        f"{name}.SEN3/measurement.nc": netcdf({"/": _track()}, told),
    }
    return Made(
        collection="PEPS_S3_L1", identifier=name, bbox=(4.7, 36.0, 5.0, 36.9),
        start="2024-03-15T10:00:00Z", end="2024-03-15T10:00:15Z", files={f"{name}.zip": zipped(members)},
        properties={"platform": "S3A", "instrument": "SRAL", "processing:level": "L1"},
    )  # fmt: skip


def _track() -> dict[str, Stored]:
    """Return echoes of a flat sea, one each 0.05 s."""
    along = np.arange(300)
    dims, end = ("time_l1b_echo_sar_ku",), "_l1b_echo_sar_ku"
    echo = np.exp(-(((np.arange(128) - 44.0) / 6.0) ** 2)) * 5000 + along[:, None]
    kinds = flags({0: "open_ocean", 1: "land", 2: "continental_water", 3: "sea_ice"})
    far = {"units": "m", "add_offset": 700_000.0}

    def integers(values: Any, scale: float, attrs: dict[str, Any]) -> Stored:
        return Stored(dims, *packed(values, "i4", scale, 2147483647, attrs=attrs))

    return {
        f"time{end}": Stored(dims, 763_812_000.0 + along * 0.05, None, _SINCE),
        f"lat{end}": integers(36.0 + 0.003 * along, 1e-6, {"units": "degrees_north"}),
        f"lon{end}": integers(5.0 - 0.001 * along, 1e-6, {"units": "degrees_east"}),
        f"alt{end}": integers(100_000 + 0.5 * along, 1e-4, far),
        f"range_ku{end}": integers(99_950 + 0.5 * along, 1e-4, far),
        f"scale_factor_ku{end}": integers(20.0 + 0.0 * along, 1e-2, {"units": "dB"}),
        f"surf_type{end}": Stored(dims, (along > 280).astype("u1"), 255, kinds),
        f"i2q2_meas_ku{end}": Stored((*dims, "echo_sample_ind"), np.round(echo).astype("u2"), 65535, {"units": "count"}),
    }  # fmt: skip


def _soundings() -> Made:
    name = "MICROCARB_L2_XCO2_20260601T120000_20260601T120144_V01"
    told = {"title": "MicroCarb L2 (provisional form)", "comment": SIMULATED}
    return Made(
        collection="MICROCARB_L2", identifier=name, bbox=(0.5, 42.9, 1.6, 49.4),
        start="2026-06-01T12:00:00Z", end="2026-06-01T12:01:44Z",
        files={f"{name}.nc": netcdf({"/": _gas()}, told)},
        properties={"platform": "MicroCarb", "instrument": "MicroCarb", "processing:level": "L2"},
    )  # fmt: skip


def _gas() -> dict[str, Stored]:
    """Return soundings, three across the track, of which every tenth is bad."""
    number = np.arange(240)
    across, along = number % 3 - 1.0, number // 3
    longitude, latitude = 1.4 + 0.06 * across - 0.01 * along, 43.0 + 0.08 * along
    east, north = np.array([-0.028, 0.028, 0.028, -0.028]), np.array([-0.04, -0.04, 0.04, 0.04])
    bad = number % 10 == 7
    since = {"units": "seconds since 1970-01-01 00:00:00"}

    def real(values: Any, units: str, *more: str) -> Stored:
        stored = np.asarray(values).astype("f4")
        return Stored(("sounding_id", *more), stored, -999999.0, {"units": units})

    return {
        "sounding_id": Stored(("sounding_id",), 2026_0601_0000 + number, None, {}),
        "time": Stored(("sounding_id",), 1_780_315_200.0 + along * 1.3, None, since),
        "longitude": real(longitude, "degrees_east"),
        "latitude": real(latitude, "degrees_north"),
        "vertex_longitude": real(longitude[:, None] + east, "degrees_east", "vertices"),
        "vertex_latitude": real(latitude[:, None] + north, "degrees_north", "vertices"),
        "xco2": real(np.where(bad, 460.0, 421.0 + 0.01 * along), "ppm"),
        "xco2_uncertainty": real(np.full(240, 0.6), "ppm"),
        "xco2_apriori": real(np.full(240, 420.0), "ppm"),
        "xco2_quality_flag": Stored(("sounding_id",), bad.astype("i1"), None, {}),
        "xco2_averaging_kernel": real(np.ones((240, 20)), "1", "levels"),
    }

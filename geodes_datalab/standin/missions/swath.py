"""Swaths of the sea, all simulated: Sentinel-1 OCN, and SWOT's sea surface heights (low rate)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.hdf import Stored, flags, netcdf, packed
from geodes_datalab.standin.missions.made import SIMULATED, Made, zipped

_GRID = ("num_lines", "num_pixels")
_FILL = 2147483647
_QUALITY = {
    128: "suspect_beam_used",
    4096: "suspect_orbit_control",
    16777216: "bad_karin_telem",
    2147483648: "bad_not_usable",
}
_L3_FLAGS = {0: "good", 10: "suspect_coast", 102: "no_data"}


def products() -> Iterable[Made]:
    """Return the sample products."""
    yield _ocean()
    yield _level2("Expert", 482, 3, "PIC0", 2000.0)
    yield _level2("Expert", 5, 100, "PID0", 2000.0)
    yield _level2("Unsmoothed", 5, 100, "PID0", 250.0)
    yield _level3()


def anomaly(lines: Any, pixels: Any) -> Any:
    """Return the simulated anomaly of the sea's height, in m."""
    return 0.1 * np.sin(lines / 20.0) + 0.001 * pixels


def track(lines: Any, pixels: Any, step: float) -> tuple[Any, Any]:
    """Return longitude (0 to 360, as SWOT has it) and latitude: lines to the north, crossing Greenwich."""
    share = step / 2000.0
    longitude = 358.6 + share * (0.004 * lines + 0.0235 * pixels)
    return longitude % 360.0, 37.0 + share * (0.0175 * lines - 0.004 * pixels)


def _seconds(start: str) -> float:
    """Return seconds since 2000, as SWOT counts."""
    moment = datetime.strptime(start, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - UTC, as is what it is compared with
    return (moment - datetime(2000, 1, 1)).total_seconds()  # noqa: DTZ001


def _level2(kind: str, cycle: int, number: int, crid: str, step: float) -> Made:
    start = "20230610T011500" if cycle > 400 else "20231015T011500"
    name = f"SWOT_L2_LR_SSH_{kind}_{cycle:03d}_{number:03d}_{start}_{start[:-4]}2000_{crid}_01"
    if kind == "Unsmoothed":
        groups = {
            side: _heights(np.arange(480), np.arange(120) + first, step, crid, start)
            for side, first in (("left", 0), ("right", 160))
        }
    else:
        groups = {"/": _heights(np.arange(200), np.arange(69), step, crid, start)}
    told = {
        "title": "Level 2 Low Rate Sea Surface Height Data Product", "Conventions": "CF-1.7",
        "platform": "SWOT", "cycle_number": np.int16(cycle), "pass_number": np.int16(number),
        "crid": crid, "comment": SIMULATED,
    }  # fmt: skip
    return _made(name, start, netcdf(groups, told), kind)


def _made(name: str, start: str, content: bytes, kind: str) -> Made:
    day = f"{start[:4]}-{start[4:6]}-{start[6:8]}T{start[9:11]}:{start[11:13]}:{start[13:15]}Z"
    return Made(
        collection=name[:14], identifier=name, bbox=(-1.5, 36.7, 1.1, 40.6), start=day,
        files={f"{name}.nc": content},
        properties={"platform": "SWOT", "instrument": "KaRIn", "product:type": kind},
    )  # fmt: skip


def _heights(line: Any, pixel: Any, step: float, crid: str, start: str) -> dict[str, Stored]:
    """Return the variables of one side, or of both."""
    lines, pixels = np.meshgrid(line, pixel, indexing="ij")
    longitude, latitude = track(lines, pixels, step)
    height = anomaly(lines, pixels)
    if step < 1000:
        height += np.random.default_rng(int(pixel[0])).normal(0, 0.03, height.shape)
    else:  # under the satellite, KaRIn sees nothing
        height[:, (pixel >= 30) & (pixel < 39)] = np.nan
    quality = np.zeros(lines.shape, "uint32")
    quality[10, 5], quality[10, 6], quality[11, 5] = 128, 2147483648, 16777216 + 128
    flag = Stored(_GRID, quality, 4294967295, flags(_QUALITY, bits=True, dtype="u4"))
    seconds = _seconds(start) + line * step / 6500.0
    since = {"units": "seconds since 2000-01-01 00:00:00.0", "calendar": "gregorian"}
    result = {
        "time": Stored(_GRID[:1], seconds, 9.969209968386869e36, since),
        "latitude": _integers(latitude, 1e-6, "degrees_north"),
        "longitude": _integers(longitude, 1e-6, "degrees_east"),
        "ssh_karin_2": _integers(height + 49.5, 1e-4, "m"),
        "ssh_karin_2_qual": flag,
        "sig0_karin_2": _reals(10.0 + height, "1"),
    }
    return result if step < 1000 else {**result, **_more(height, pixels, step, crid, flag)}


def _more(height: Any, pixels: Any, step: float, crid: str, flag: Stored) -> dict[str, Stored]:
    """Return what the files of 2 km have beyond those of 250 m."""
    result = {
        "ssha_karin_2": _integers(height, 1e-4, "m"),
        "ssha_karin_2_qual": flag,
        "height_cor_xover": _integers(0 * height + 0.012, 1e-4, "m"),
        "swh_karin": _integers(2 + height, 1e-3, "m"),
        "wind_speed_karin": _integers(7 + height, 1e-3, "m/s"),
        "cross_track_distance": _reals((pixels - 34) * step, "m"),
    }
    if crid < "PID":  # a column that version D has not
        result["ssha_karin"] = _integers(height + 0.003, 1e-4, "m")
    return result


def _integers(values: Any, scale: float, units: str) -> Stored:
    more = {} if units.startswith("degrees") else {"coordinates": "longitude latitude"}
    return Stored(_GRID, *packed(values, "i4", scale, _FILL, attrs={"units": units, **more}))


def _reals(values: Any, units: str) -> Stored:
    return Stored(_GRID, *packed(values, "f4", 1.0, 9.96921e36, attrs={"units": units}))


def _level3() -> Made:
    lines, pixels = np.meshgrid(np.arange(200), np.arange(69), indexing="ij")
    longitude, latitude = track(lines, pixels, 2000.0)
    gap = (pixels >= 30) & (pixels < 39)
    height = np.where(gap, np.nan, anomaly(lines, pixels))
    start = "20231015T011500"
    seconds = _seconds(start) + np.arange(200) * 2000.0 / 6500.0
    since = {"units": "seconds since 2000-01-01 00:00:00", "calendar": "proleptic_gregorian"}
    name = f"SWOT_L3_LR_SSH_Expert_005_100_{start}_20231015T012000_v2.0.1"
    distance = (np.arange(69) - 34.0) * 2.0
    variables = {
        "time": Stored(_GRID[:1], seconds, None, since),
        "latitude": _integers(latitude, 1e-6, "degrees_north"),
        "longitude": _integers(longitude, 1e-6, "degrees_east"),
        "mdt": _integers(0 * lines - 0.05, 1e-4, "m"),
        "ssha_filtered": _integers(height, 1e-4, "m"),
        "ssha_unfiltered": _integers(height + 0.002 * (-1) ** lines, 1e-4, "m"),
        "ugos_filtered": _integers(0 * height + 0.21, 1e-4, "m/s"),
        "vgos_filtered": _integers(0 * height - 0.13, 1e-4, "m/s"),
        "quality_flag": Stored(_GRID, np.where(gap, 102, 0).astype("u1"), 255, flags(_L3_FLAGS)),
        "cross_track_distance": Stored(_GRID[1:], distance, None, {"units": "km"}),
    }
    told = {"title": "SWOT L3 LR SSH Expert", "product_version": "2.0.1", "comment": SIMULATED}
    return _made(name, start, netcdf({"/": variables}, told), "Expert")


def _ocean() -> Made:
    name = "S1A_IW_OCN__2SDV_20240315T055530_20240315T055555_053000_066B00_77D2"
    stem = "s1a-iw-ocn-vv-20240315t055530-20240315t055555-053000-066B00-001"
    told = {
        "TITLE": "Sentinel-1 OWI Component", "missionName": "S1A", "polarisation": "VV",
        "firstMeasurementTime": "2024-03-15T05:55:30.000000Z",
        "lastMeasurementTime": "2024-03-15T05:55:55.000000Z", "comment": SIMULATED,
    }  # fmt: skip
    content = netcdf({"/": {**_wind(), **_radial()}}, told)
    members = {
        f"{name}.SAFE/manifest.safe": b'<?xml version="1.0" encoding="UTF-8"?>\n<xfdu/>\n',
        f"{name}.SAFE/measurement/{stem}.nc": content,
    }
    return Made(
        collection="PEPS_S1_L2", identifier=name, bbox=(-5.1, 46.5, -3.6, 47.6),
        start="2024-03-15T05:55:30Z", end="2024-03-15T05:55:55Z",
        files={f"{name}.zip": zipped(members)},
        properties={
            "platform": "S1A", "instrument": "SAR-C SAR", "processing:level": "L2", "product:type": "OCN",
            "sar:instrument_mode": "IW", "sat:orbit_state": "Descending",
        },
    )  # fmt: skip


def _sea(lines: Any, pixels: Any) -> tuple[Any, Any]:
    """Return longitude and latitude of a descending pass off Brittany."""
    return -5.0 + 0.013 * pixels - 0.002 * lines, 47.5 - 0.009 * lines + 0.001 * pixels


def _wind() -> dict[str, Stored]:
    dims = ("owiAzSize", "owiRaSize")
    lines, pixels = np.meshgrid(np.arange(100.0), np.arange(90.0), indexing="ij")
    longitude, latitude = _sea(lines, pixels)
    speed = 5.0 + 0.05 * lines + 0.01 * pixels
    speed[:, 80:] = np.nan  # land
    land = np.isnan(speed)
    quality = np.where(land, 3, (lines // 40)).astype("u1")

    def real(values: Any, units: str) -> Stored:
        return Stored(dims, *packed(values.astype("f4"), "f4", 1.0, -999.0, attrs={"units": units}))

    return {
        "owiLon": real(longitude, "degrees_east"),
        "owiLat": real(latitude, "degrees_north"),
        "owiWindSpeed": Stored(dims, np.where(land, -999.0, speed).astype("f4"), -999.0, {"units": "m/s"}),
        "owiWindDirection": Stored(dims, np.where(land, -999.0, 270.0 + 0.1 * lines).astype("f4"), -999.0, {"units": "degrees"}),
        "owiWindQuality": Stored(dims, quality, None, {"flag_values": np.arange(4, dtype="u1"), "flag_meanings": "good medium low poor"}),
    }  # fmt: skip


def _radial() -> dict[str, Stored]:
    dims = ("rvlAzSize", "rvlRaSize", "rvlSwath")
    form = (20, 6, 3)
    lines, pixels, swaths = np.indices(form).astype(float)
    longitude, latitude = _sea(lines * 5, (pixels + 6 * swaths) * 5)
    speed = 0.1 * swaths + 0.01 * pixels + 0.001 * lines

    def real(values: Any, units: str) -> Stored:
        return Stored(dims, *packed(values, "f4", 1.0, -999.0, attrs={"units": units}))

    return {
        "rvlLon": real(longitude, "degrees_east"),
        "rvlLat": real(latitude, "degrees_north"),
        "rvlRadVel": real(speed, "m/s"),
        "rvlRadVelStd": real(0.05 + 0 * speed, "m/s"),
    }

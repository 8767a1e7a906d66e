"""What the XML files of a Sentinel-1 image tell: its times and places, calibration and noise."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.knots import Floats, Knots
from geodes_datalab.cubes.formats.markup import Node
from geodes_datalab.cubes.formats.places import span, touching

_INFORMATION = "imageAnnotation/imageInformation"
_POINTS = "geolocationGrid/geolocationGridPointList/geolocationGridPoint"


class Annotation:
    """The XML files that belong to one image of a SAFE.

    Parameters
    ----------
    files
        The product.
    image
        Name of its TIFF.
    """

    def __init__(self, files: ProductFiles, image: str) -> None:
        self._files = files
        self._stem = image.rpartition("/")[2].rpartition(".")[0]
        self._told = self._node("*annotation/")

    def _node(self, before: str) -> Node:
        plain = self._stem.removesuffix("-cog")
        name = self._files.one(f"{before}{self._stem}.xml", f"{before}{plain}.xml")
        return Node(self._files, name)

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and pixels."""
        lines, pixels = "numberOfLines", "numberOfSamples"
        return (
            int(self._told.number(f"{_INFORMATION}/{lines}")),
            int(self._told.number(f"{_INFORMATION}/{pixels}")),
        )

    def check(self, polarisation: str, swath: str) -> None:
        """Refuse an image whose annotation is of another polarisation or sub-swath than its name."""
        told = self._told.text("adsHeader/polarisation"), self._told.text("adsHeader/swath")
        if told[0] != polarisation or (swath and told[1] != swath):
            raise self._files.changed(
                f"holds {self._stem}, of which the annotation is of {told[1]} {told[0]}"
            )

    @property
    def attributes(self) -> dict[str, str]:
        """What holds for the whole image."""
        told, header = self._told, "adsHeader"
        return {
            "platform": told.text(f"{header}/missionId"),
            "instrument": "SAR-C",
            "product_type": told.text(f"{header}/productType"),
            "instrument_mode": told.text(f"{header}/mode"),
            "orbit_state": told.text("generalAnnotation/productInformation/pass").lower(),
            "absolute_orbit": told.text(f"{header}/absoluteOrbitNumber"),
            "time_coverage_start": told.text(f"{header}/startTime") + "Z",
            "time_coverage_end": told.text(f"{header}/stopTime") + "Z",
        }

    @cached_property
    def _bursts(self) -> list[float]:
        return [self._since(one) for one in self._told.all("swathTiming/burstList/burst")]

    @cached_property
    def seconds(self) -> Floats:
        """Azimuth time of each line, in seconds from `first`: bursts of an SLC overlap."""
        lines = np.arange(self.shape[0], dtype="float64")
        step = self._told.number(f"{_INFORMATION}/azimuthTimeInterval")
        if not self._bursts:
            return lines * step
        each = int(self._told.number("swathTiming/linesPerBurst"))
        if len(self._bursts) * each != lines.size:
            raise self._files.changed(
                f"has {len(self._bursts)} bursts of {each} lines, "
                f"and {lines.size} lines ({self._stem})"
            )
        return np.concatenate([begin + np.arange(each) * step for begin in self._bursts])

    @property
    def along(self) -> Floats:
        """Where each line is along the track, as `places` counts: by lines, or by time where bursts overlap."""
        return self.seconds if self._bursts else np.arange(self.shape[0], dtype="float64")

    @property
    def first(self) -> np.datetime64:
        """Time of the first line."""
        return self._told.moment(f"{_INFORMATION}/productFirstLineUtcTime")

    def _since(self, node: Node) -> float:
        return float((node.moment("azimuthTime") - self.first) / np.timedelta64(1, "s"))

    @cached_property
    def places(self) -> dict[str, Knots]:
        """Longitude (without a jump), latitude and angle of incidence, by place `along` the track and pixel."""
        points = list(self._told.all(_POINTS))
        pixels = np.unique([one.number("pixel") for one in points])
        if not points or len(points) % pixels.size:
            raise self._files.changed(f"has an uneven grid of {len(points)} places ({self._stem})")
        points.sort(key=lambda one: (one.number("line"), one.number("pixel")))
        form = (-1, pixels.size)
        count = self._since if self._bursts else _line
        along = np.array([count(one) for one in points]).reshape(form)[:, 0]
        told = {
            "longitude": "longitude",
            "latitude": "latitude",
            "incidence_angle": "incidenceAngle",
        }
        values = {
            name: np.array([one.number(path) for one in points]).reshape(form)
            for name, path in told.items()
        }
        for axis in (0, 1):
            values["longitude"] = np.unwrap(values["longitude"], period=360.0, axis=axis)
        return {name: Knots(along, pixels, table) for name, table in values.items()}

    def window(self, area: Any) -> tuple[slice, slice]:
        """Return the lines and pixels of the cells between told places that touch an area's box."""
        if area is None:
            return slice(0, self.shape[0]), slice(0, self.shape[1])
        longitude, latitude = self.places["longitude"], self.places["latitude"]
        cells = touching(longitude.values, latitude.values, area)
        rows, columns = span(cells.any(axis=1)), span(cells.any(axis=0))
        if rows.start == rows.stop:
            return slice(0, 0), slice(0, 0)
        begin, end = longitude.lines[rows.start], longitude.lines[rows.stop]
        lines = span((self.along >= begin) & (self.along <= end))
        pixels = longitude.pixels[[columns.start, columns.stop]]
        return lines, slice(int(pixels[0]), int(pixels[1]) + 1)

    @cached_property
    def calibration(self) -> Knots:
        """The sigmaNought look-up table."""
        vectors = self._node("*annotation/calibration/calibration-").all(
            "calibrationVectorList/calibrationVector"
        )
        return self._table(vectors, "sigmaNought")

    def _table(self, vectors: Any, name: str) -> Knots:
        told = [(one.number("line"), one.numbers("pixel"), one.numbers(name)) for one in vectors]
        if not told or any(len(pixels) != len(values) for _, pixels, values in told):
            raise self._files.changed(f"has no whole vectors of {name} for {self._stem}")
        return Knots.of(told)

    @cached_property
    def noise(self) -> tuple[Knots, tuple[tuple[tuple[int, ...], Knots], ...]]:
        """Thermal noise by range; and its factor along the track for each part of the image, where told."""
        told = self._node("*annotation/calibration/noise-")
        vectors = list(told.all("noiseRangeVectorList/noiseRangeVector"))
        if not vectors:  # as products were until 2018
            return self._table(told.all("noiseVectorList/noiseVector"), "noiseLut"), ()
        blocks = told.all("noiseAzimuthVectorList/noiseAzimuthVector")
        return self._table(vectors, "noiseRangeLut"), tuple(_block(one) for one in blocks)


def _line(node: Node) -> float:
    return node.number("line")


def _block(node: Node) -> tuple[tuple[int, ...], Knots]:
    corners = ("firstAzimuthLine", "lastAzimuthLine", "firstRangeSample", "lastRangeSample")
    lines, factor = node.numbers("line"), node.numbers("noiseAzimuthLut")
    table = Knots(lines, np.array([0.0]), factor[:, None])
    return tuple(int(node.number(one)) for one in corners), table

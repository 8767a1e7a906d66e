"""The XML files of simulated Sentinel-1 products (elements of ESA's product specification that readers use)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from geodes_datalab.standin.missions.radar_image import Image

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SAFE = "http://www.esa.int/safe/sentinel-1.0"
_LEVEL1 = f"{_SAFE}/sentinel-1/sar/level-1"
_SAMPLING = 6.434523812571428e7


def knots(image: Image) -> tuple[Any, Any]:
    """Return the lines and pixels of the look-up table."""
    lines = np.arange(-50, image.lines + 100, 100)
    return lines, np.unique([*range(0, image.pixels, 40), image.pixels - 1])


def interpolated(image: Image, table: Callable[[Any, Any], Any]) -> Any:
    """Return the look-up table at each pixel (as the processor applied it), by scipy."""
    from scipy.interpolate import RegularGridInterpolator

    lines, pixels = knots(image)
    values = table(lines[:, None], pixels[None, :] + image.first)
    told = np.array([[float(f"{value:.6e}") for value in row] for row in values])
    where = np.mgrid[: image.lines, : image.pixels]
    return RegularGridInterpolator((lines, pixels), told)(np.moveaxis(where, 0, -1))


def texts(
    image: Image, points: Sequence[tuple[float, ...]], table: Any, noise: Any
) -> dict[str, bytes]:
    """Return annotation, calibration and noise of an image, by path."""
    return {
        f"annotation/{image.stem}.xml": _annotation(image, points).encode(),
        f"annotation/calibration/calibration-{image.stem}.xml": _calibration(image, table).encode(),
        f"annotation/calibration/noise-{image.stem}.xml": _noise(image, noise).encode(),
    }


def _time(image: Image, line: int) -> str:
    return image.begin(line).isoformat(timespec="microseconds")


def _tag(name: str, content: Any) -> str:
    return f"<{name}>{content}</{name}>"


def _several(name: str, count: int, content: str) -> str:
    return f'<{name} count="{count}">{content}</{name}>'


def _vector(name: str, values: Iterable[Any], form: str) -> str:
    words = [format(value, form) for value in values]
    return _several(name, len(words), " ".join(words))


def _header(image: Image) -> str:
    told = {
        "missionId": "S1A",
        "productType": image.kind.upper(),
        "polarisation": image.polarisation,
        "mode": "IW",
        "swath": image.swath,
        "startTime": _time(image, 0),
        "stopTime": _time(image, image.lines - 1),
        "absoluteOrbitNumber": 53000,
        "missionDataTakeId": 420608,
        "imageNumber": f"{image.number:03d}",
    }
    return _tag("adsHeader", "".join(_tag(*entry) for entry in told.items()))


def _annotation(image: Image, points: Sequence[tuple[float, ...]]) -> str:
    slant = image.kind == "slc"
    information = {
        "pass": "Descending", "timelinessCategory": "Fast-24h", "platformHeading": "-1.666e+02",
        "projection": "Slant Range" if slant else "Ground Range",
        "rangeSamplingRate": f"{_SAMPLING:.15e}", "radarFrequency": "5.405000454334350e+09",
        "azimuthSteeringRate": "1.590368784000000e+00",
    }  # fmt: skip
    known = _tag("productInformation", "".join(_tag(*entry) for entry in information.items()))
    grid = "".join(_point(image, one) for one in points)
    grid = _several("geolocationGridPointList", len(points), grid)
    return _HEAD + _tag(
        "product",
        _header(image)
        + _tag("generalAnnotation", known)
        + _tag("imageAnnotation", _tag("imageInformation", _information(image, slant=slant)))
        + _bursts(image)
        + _tag("geolocationGrid", grid),
    )


def _information(image: Image, *, slant: bool) -> str:
    described = {
        "productFirstLineUtcTime": _time(image, 0),
        "productLastLineUtcTime": _time(image, image.lines - 1),
        "ascendingNodeTime": "2024-03-15T05:18:00.000000", "productComposition": "Slice",
        "slantRangeTime": f"{5.343e-3 + image.first / _SAMPLING:.15e}",
        "pixelValue": "Complex" if slant else "Detected",
        "outputPixels": "16 bit Signed Integer" if slant else "16 bit Unsigned Integer",
        "rangePixelSpacing": "2.329562e+00" if slant else "1.000000e+01",
        "azimuthPixelSpacing": "1.393000e+01" if slant else "1.000000e+01",
        "azimuthTimeInterval": f"{image.step:.15e}", "azimuthFrequency": "4.864863102995529e+02",
        "numberOfSamples": image.pixels, "numberOfLines": image.lines,
        "incidenceAngleMidSwath": "3.892e+01",
    }  # fmt: skip
    return "".join(_tag(*entry) for entry in described.items())


def _bursts(image: Image) -> str:
    begins = range(0, image.lines, image.burst) if image.burst else ()
    bursts = "".join(
        _tag("burst", _tag("azimuthTime", _time(image, line)) + _tag("byteOffset", 0))
        for line in begins
    )
    timing = _tag("linesPerBurst", image.burst)
    timing += _tag("samplesPerBurst", image.pixels if image.burst else 0)
    return _tag("swathTiming", timing + _several("burstList", len(begins), bursts))


def _point(image: Image, told: tuple[float, ...]) -> str:
    line, pixel, latitude, longitude, angle, _ = told
    values = {
        "azimuthTime": _time(image, int(line)), "slantRangeTime": f"{5.343e-3 + (pixel + image.first) / _SAMPLING:.15e}",
        "line": int(line), "pixel": int(pixel), "latitude": f"{latitude:.15e}",
        "longitude": f"{longitude:.15e}", "height": "5.000000000000000e+01",
        "incidenceAngle": f"{angle:.15e}", "elevationAngle": f"{angle - 3.3:.15e}",
    }  # fmt: skip
    return _tag("geolocationGridPoint", "".join(_tag(*entry) for entry in values.items()))


def _calibration(image: Image, table: Any) -> str:
    lines, pixels = knots(image)
    vectors = ""
    for line in lines:
        values = table(float(line), pixels + float(image.first))
        vectors += _tag(
            "calibrationVector",
            _tag("azimuthTime", _time(image, 0))
            + _tag("line", line)
            + _vector("pixel", pixels, "d")
            + _vector("sigmaNought", values, ".6e")
            + _vector("betaNought", np.full(len(pixels), 237.0), ".6e")
            + _vector("gamma", values * 0.9, ".6e")
            + _vector("dn", np.full(len(pixels), 237.0), ".6e"),
        )
    information = _tag("calibrationInformation", _tag("absoluteCalibrationConstant", "1.0e+00"))
    return _HEAD + _tag(
        "calibration",
        _header(image) + information + _several("calibrationVectorList", len(lines), vectors),
    )


def _noise(image: Image, noise: Any) -> str:
    lines, pixels = [0, image.lines // 2, image.lines - 1], knots(image)[1]
    vectors = "".join(
        _tag(
            "noiseRangeVector",
            _tag("azimuthTime", _time(image, line))
            + _tag("line", line)
            + _vector("pixel", pixels, "d")
            + _vector("noiseRangeLut", noise(pixels + float(image.first)), ".6e"),
        )
        for line in lines
    )
    corners = {
        "swath": image.swath, "firstAzimuthLine": 0, "firstRangeSample": 0,
        "lastAzimuthLine": image.lines - 1, "lastRangeSample": image.pixels - 1,
    }  # fmt: skip
    along = "".join(_tag(*entry) for entry in corners.items())
    along += _vector("line", [0, image.lines - 1], "d")
    along += _vector("noiseAzimuthLut", [1.0, 1.2], ".6e")
    return _HEAD + _tag(
        "noise",
        _header(image)
        + _several("noiseRangeVectorList", len(lines), vectors)
        + _several("noiseAzimuthVectorList", 1, _tag("noiseAzimuthVector", along)),
    )


def manifest(
    kind: str,
    images: Sequence[Image],
    members: Mapping[str, bytes],
    *,
    start: datetime,
    end: datetime,
) -> bytes:
    """Return ``manifest.safe``: platform, orbit, times, and each file with its size and MD5."""
    swaths = dict.fromkeys(image.swath for image in images)
    parts = [
        "<safe:platform><safe:familyName>SENTINEL-1</safe:familyName><safe:number>A</safe:number>",
        "<safe:instrument><safe:familyName>Synthetic Aperture Radar</safe:familyName><safe:extension>",
        "<s1sarl1:instrumentMode><s1sarl1:mode>IW</s1sarl1:mode>",
        *(f"<s1sarl1:swath>{swath}</s1sarl1:swath>" for swath in swaths),
        "</s1sarl1:instrumentMode></safe:extension></safe:instrument></safe:platform>",
        f"<safe:orbitReference>{_orbit()}<safe:extension><s1:orbitProperties><s1:pass>DESCENDING</s1:pass>",
        "<s1:ascendingNodeTime>2024-03-15T05:18:00.000000</s1:ascendingNodeTime>",
        "</s1:orbitProperties></safe:extension></safe:orbitReference>",
        f"<safe:acquisitionPeriod><safe:startTime>{start.isoformat()}</safe:startTime>",
        f"<safe:stopTime>{end.isoformat()}</safe:stopTime></safe:acquisitionPeriod>",
        "<s1sarl1:standAloneProductInformation>",
        "<s1sarl1:missionDataTakeID>420608</s1sarl1:missionDataTakeID>",
        "<s1sarl1:transmitterReceiverPolarisation>VV</s1sarl1:transmitterReceiverPolarisation>",
        "<s1sarl1:transmitterReceiverPolarisation>VH</s1sarl1:transmitterReceiverPolarisation>",
        f"<s1sarl1:productType>{kind}</s1sarl1:productType></s1sarl1:standAloneProductInformation>",
    ]
    objects = "".join(_object(path, data) for path, data in members.items())
    names = f'xmlns:safe="{_SAFE}" xmlns:s1="{_SAFE}/sentinel-1" xmlns:s1sarl1="{_LEVEL1}"'
    return (
        f'{_HEAD}<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" {names}>'
        f"<metadataSection>{''.join(parts)}</metadataSection>"
        f"<dataObjectSection>{objects}</dataObjectSection></xfdu:XFDU>"
    ).encode()


def _orbit() -> str:
    return "".join(
        f'<safe:{name} type="{end}">{value}</safe:{name}>'
        for name, value in (("orbitNumber", 53000), ("relativeOrbitNumber", 8))
        for end in ("start", "stop")
    )


def _object(path: str, data: bytes) -> str:
    kinds = {"noise": "Noise", "calib": "Calibration"}
    name = path.rpartition("/")[2]
    what = "Measurement" if name.endswith(".tiff") else kinds.get(name[:5], "Product")
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    inner = f'<fileLocation locatorType="URL" href="./{path}"/>'
    inner += f'<checksum checksumName="MD5">{digest}</checksum>'
    identity = name.replace("-", "").rpartition(".")[0]
    return (
        f'<dataObject ID="{identity}" repID="s1Level1{what}Schema">'
        f'<byteStream size="{len(data)}">{inner}</byteStream></dataObject>'
    )

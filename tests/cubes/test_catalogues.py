"""Names of bands and satellites in items recorded from other catalogues (see ``data/README.md``)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geodes_datalab import errors
from geodes_datalab.cubes.parse.products import parse
from geodes_datalab.stac.items.normalise import normalise


def recorded(name: str):
    path = Path(__file__).with_name("data") / f"{name}.json"
    return json.loads(path.read_text("utf-8"))


FOUND = [
    ("cdse-s2-l2a", "red", "B04_10m", 1),
    ("cdse-s2-l2a", "B04", "B04_10m", 1),
    ("cdse-s2-l2a", "b4", "B04_10m", 1),
    ("cdse-s2-l2a", "B04_60m", "B04_60m", 1),
    ("cdse-s2-l2a", "coastal", "B01_60m", 1),
    ("cdse-s2-l2a", "nir08", "B8A_20m", 1),
    ("cdse-s2-l2a", "swir16", "B11_20m", 1),
    ("cdse-s2-l2a", "TCI_10m.green", "TCI_10m", 2),
    ("cdse-s2-l2a", "SCL", "SCL_20m", 1),
    ("cdse-s2-l2a", "aot", "AOT_10m", 1),
    ("cdse-s2-l2a", "WVP", "WVP_10m", 1),
    ("pc-s2-l2a", "red", "B04", 1),
    ("pc-s2-l2a", "green", "B03", 1),
    ("pc-s2-l2a", "visual.green", "visual", 2),
    ("pc-s2-l2a-raster", "red", "B04", 1),
    ("pc-s2-l2a-raster", "blue", "B02", 1),
    ("earth-search-s2-l2a", "red", "red", 1),
    ("earth-search-s2-l2a", "nir", "nir", 1),
    ("earth-search-s2-l2a", "visual.2", "visual", 2),
    ("earth-search-v0-s2-cogs", "red", "B04", 1),
    ("earth-search-v0-s2-cogs", "B8A", "B8A", 1),
    ("usgs-landsat-sr", "red", "red", 1),
    ("usgs-landsat-sr", "B4", "red", 1),
    ("usgs-landsat-beta", "SR_B4.TIF", "SR_B4.TIF", 1),
    ("pc-landsat-c2-l2", "red", "red", 1),
    ("pc-landsat-c2-l2", "OLI_B5", "nir08", 1),
    ("pc-naip", "nir", "image", 4),
    ("pc-aster-l1t", "red", "VNIR", 2),
    ("pc-aster-l1t", "swir16", "SWIR", 1),
    ("pc-aster-l1t", "TIR_Band13", "TIR", 4),
    ("maxar-open-data", "red", "ms_analytic", 5),
    ("maxar-open-data", "visual.red", "visual", 1),
]


@pytest.mark.parametrize("normalised", [False, True], ids=["as-served", "normalised"])
@pytest.mark.parametrize(("name", "wish", "key", "index"), FOUND)
def test_a_name_finds_the_finest_measurement(name, wish, key, index, normalised) -> None:
    served = recorded(name)
    (one,) = parse([normalise(served) if normalised else served], wish)
    found = one.bands[wish]
    assert (found.key, max(found.index, 1)) == (key, index)
    assert not {"visual", "overview"} & set(served["assets"][key].get("roles", [])) or "." in wish


CDSE = [
    "B01_60m", "B02_10m", "B03_10m", "B04_10m", "B05_20m", "B06_20m", "B07_20m", "B08_10m", "B09_60m",
    "B11_20m", "B12_20m", "B8A_20m",
]  # fmt: skip
EARTH_SEARCH = [
    "blue", "coastal", "green", "nir", "nir08", "nir09", "red", "rededge1", "rededge2", "rededge3",
    "swir16", "swir22",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("cdse-s2-l2a", " ".join(CDSE)),
        ("pc-s2-l2a", "B01 B02 B03 B04 B05 B06 B07 B08 B09 B11 B12 B8A"),
        ("earth-search-s2-l2a", " ".join(EARTH_SEARCH)),
        ("earth-search-v0-s2-cogs", "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12"),
        ("earth-search-v0-bare", "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B11 B12 AOT WVP"),
        ("pc-naip", "Red Green Blue NIR"),
        ("maxar-open-data", "BAND_C BAND_B BAND_G BAND_Y BAND_R BAND_RE BAND_N BAND_N2 pan_analytic"),
    ],
    ids=lambda one: one if " " not in one else "bands",
)  # fmt: skip
def test_without_a_wish_each_measurement_is_loaded_once(name: str, bands: str) -> None:
    (one,) = parse([recorded(name)], None)
    assert list(one.bands) == bands.split()


@pytest.mark.parametrize(
    ("name", "wish", "names"),
    [
        ("pc-s2-l2a", "rededge", "B05, B06, B07, B8A"),
        ("pc-aster-l1t", "swir22", "SWIR_Band5, SWIR_Band6, SWIR_Band7"),
    ],
    ids=["four-files", "one-file"],
)
def test_a_name_that_several_bands_share_is_refused(name: str, wish: str, names: str) -> None:
    with pytest.raises(errors.UnknownBand, match=names) as refused:
        parse([recorded(name)], wish)
    assert "name one of them" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "platform", "constellation", "grid"),
    [
        ("usgs-landsat-sr", "landsat-8", "landsat", None),
        ("usgs-landsat-beta", "landsat-8", "landsat", None),
        ("pc-s2-l2a", "sentinel-2b", "sentinel-2", "MGRS-06VVN"),
        ("earth-search-v0-s2-cogs", "sentinel-2b", "sentinel-2", "MGRS-20EPT"),
        ("cdse-s2-l2a", "sentinel-2c", "sentinel-2", "MGRS-33UWP"),
    ],
)
def test_satellites_have_the_same_name_in_every_catalogue(
    name, platform, constellation, grid
) -> None:
    properties = normalise(recorded(name))["properties"]
    assert properties["platform"] == platform
    assert properties["constellation"] == constellation
    assert properties.get("grid:code") == grid

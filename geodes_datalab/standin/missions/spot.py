"""Simulated scenes of SPOT in DIMAP 1: form, names and metadata are those of SPOT World Heritage and SPIRIT.

Stored numbers are those of `stored`: a ramp along the lines and one along the pixels, another for each band.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from geodes_datalab.standin.missions.made import SIMULATED, Made, zipped

CORNERS = ((1.10, 43.90), (1.90, 43.80), (1.75, 43.30), (0.95, 43.40))
"""Longitude and latitude of the first pixel, the last of the first line, the last, the first of the last line."""

_LEVELS = {"XS1": 40, "XS2": 60, "XS3": 110, "SWIR": 160, "HRS2": 90}
_GAINS = {"XS1": 1.843, "XS2": 1.971, "XS3": 1.556, "SWIR": 9.811, "HRS2": 1.2}
_SUNS = {"XS1": 1843.0, "XS2": 1568.0, "XS3": 1052.0, "SWIR": 233.0}


@dataclass(frozen=True)
class _Scene:
    collection: str
    name: str
    mission: str
    instrument: str
    sensor: str
    date: str
    in_image: Sequence[str]
    in_metadata: Sequence[str]
    elevation: float
    size: tuple[int, int] = (300, 300)


def products() -> Iterable[Made]:
    """Make a scene of SPOT 4, one whose metadata mix up its bands, and one of SPIRIT."""
    bands = ("XS3", "XS2", "XS1", "SWIR")
    swapped = ("XS1", "XS2", "XS3", "SWIR")
    yield _made(_Scene("SWH_SPOT4_L1", "S4_041-262-0_2006-07-14-10-48-31_HRVIR-1_I_DT_TO", "4", "HRVIR",
                       "I", "2006-07-14", bands, bands, 60.5))  # fmt: skip
    yield _made(_Scene("SWH_SPOT4_L1", "S4_041-262-0_2007-07-15-10-52-02_HRVIR-1_I_DT_TO", "4", "HRVIR",
                       "I", "2007-07-15", bands, swapped, 60.5))  # fmt: skip
    yield _made(_Scene("THEIA_SPIRIT_SPOT5_L1A", "SPIRIT_S5_HRS2_2008-02-03-14-00-00_L1A", "5", "HRS",
                       "S", "2008-02-03", ("HRS2",), ("HRS2",), 25.0, (120, 240)))  # fmt: skip


def stored(name: str, size: tuple[int, int]) -> npt.NDArray[Any]:
    """Return the stored numbers of a band; its first five lines are 0, which means nothing."""
    lines, pixels = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
    values = _LEVELS[name] + (lines // 10) % 7 + (pixels // 10) % 11
    values[:5] = 0
    return values.astype("uint8")


def _made(scene: _Scene) -> Made:
    pixels = np.stack([stored(name, scene.size) for name in scene.in_image])
    files = {
        "SCENE01/IMAGERY.TIF": _tiff(pixels),
        "SCENE01/METADATA.DIM": _dim(scene).encode("iso-8859-1"),
    }
    east, north = zip(*CORNERS, strict=True)
    return Made(
        collection=scene.collection, identifier=scene.name,
        bbox=(min(east), min(north), max(east), max(north)), start=f"{scene.date}T10:48:31Z",
        files={f"{scene.name}.zip": zipped(files)},
        properties={
            "platform": f"SPOT{scene.mission}", "instrument": scene.instrument, "processing:level": "L1A",
        },
    )  # fmt: skip


def _tiff(pixels: npt.NDArray[Any]) -> bytes:
    count, height, width = pixels.shape
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # as the sensor saw it
        with rasterio.open(
            memory, "w", driver="GTiff", count=count, height=height, width=width, dtype=pixels.dtype,
            INTERLEAVE="PIXEL", PHOTOMETRIC="MINISBLACK",
        ) as file:  # fmt: skip
            file.write(pixels)
        return bytes(memory.getbuffer())


def _frame(scene: _Scene) -> tuple[str, str]:
    """Return the corners of a scene, as its frame and as tie points."""
    rows, columns = scene.size
    places = ((1, 1), (1, columns), (rows, columns), (rows, 1))
    both = list(zip(CORNERS, places, strict=True))
    vertices = "".join(
        f"<Vertex><FRAME_LON>{x}</FRAME_LON><FRAME_LAT>{y}</FRAME_LAT><FRAME_ROW>{row}</FRAME_ROW>"
        f"<FRAME_COL>{column}</FRAME_COL></Vertex>"
        for (x, y), (row, column) in both
    )
    points = "".join(
        f"<Tie_Point><TIE_POINT_CRS_X>{x}</TIE_POINT_CRS_X><TIE_POINT_CRS_Y>{y}</TIE_POINT_CRS_Y>"
        f"<TIE_POINT_DATA_X>{column}</TIE_POINT_DATA_X><TIE_POINT_DATA_Y>{row}</TIE_POINT_DATA_Y></Tie_Point>"
        for (x, y), (row, column) in both
    )
    return vertices, points


def _dim(scene: _Scene) -> str:
    (rows, columns), (vertices, points) = scene.size, _frame(scene)
    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<Dimap_Document name="METADATA.DIM">
<Metadata_Id><METADATA_FORMAT version="1.1">DIMAP</METADATA_FORMAT>
<METADATA_PROFILE>SPOTSCENE_1A</METADATA_PROFILE></Metadata_Id>
<Dataset_Id><DATASET_NAME>{scene.name}</DATASET_NAME><COPYRIGHT>{SIMULATED}</COPYRIGHT></Dataset_Id>
<Dataset_Frame>{vertices}</Dataset_Frame>
<Coordinate_Reference_System><GEO_TABLES version="5.2">EPSG</GEO_TABLES><Horizontal_CS>
<HORIZONTAL_CS_CODE>epsg:4326</HORIZONTAL_CS_CODE><HORIZONTAL_CS_TYPE>GEOGRAPHIC</HORIZONTAL_CS_TYPE>
<HORIZONTAL_CS_NAME>WGS 84</HORIZONTAL_CS_NAME></Horizontal_CS></Coordinate_Reference_System>
<Raster_CS><RASTER_CS_TYPE>POINT</RASTER_CS_TYPE></Raster_CS>
<Geoposition><Geoposition_Points>{points}</Geoposition_Points></Geoposition>
<Production><DATASET_PRODUCER_NAME>CNES</DATASET_PRODUCER_NAME><PRODUCT_TYPE>SPOT{scene.mission}</PRODUCT_TYPE></Production>
<Raster_Dimensions><NCOLS>{columns}</NCOLS><NROWS>{rows}</NROWS><NBANDS>{len(scene.in_image)}</NBANDS></Raster_Dimensions>
<Raster_Encoding><NBITS>8</NBITS><BYTEORDER>I</BYTEORDER><DATA_TYPE>BYTE</DATA_TYPE>
<BANDS_LAYOUT>BIP</BANDS_LAYOUT></Raster_Encoding>
<Data_Access><DATA_FILE_ORGANISATION>BAND_COMPOSITE</DATA_FILE_ORGANISATION>
<DATA_FILE_FORMAT version="6.0">GEOTIFF</DATA_FILE_FORMAT>
<Data_File><DATA_FILE_PATH href="IMAGERY.TIF"/></Data_File></Data_Access>
{_radiometry(scene)}</Dimap_Document>
"""


def _radiometry(scene: _Scene) -> str:
    return f"""<Image_Display><Special_Value><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
</Special_Value><Special_Value><SPECIAL_VALUE_INDEX>255</SPECIAL_VALUE_INDEX><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
</Special_Value>{_statistics(scene)}</Image_Display>
<Image_Interpretation>{_bands(scene)}</Image_Interpretation>
<Dataset_Sources><Source_Information><SOURCE_ID>{scene.name}</SOURCE_ID><SOURCE_TYPE>SCENE</SOURCE_TYPE>
<Scene_Source><IMAGING_DATE>{scene.date}</IMAGING_DATE><IMAGING_TIME>10:48:31</IMAGING_TIME><MISSION>SPOT</MISSION>
<MISSION_INDEX>{scene.mission}</MISSION_INDEX><INSTRUMENT>{scene.instrument}</INSTRUMENT><INSTRUMENT_INDEX>1</INSTRUMENT_INDEX>
<SENSOR_CODE>{scene.sensor}</SENSOR_CODE><SCENE_PROCESSING_LEVEL>1A</SCENE_PROCESSING_LEVEL><INCIDENCE_ANGLE>3.2</INCIDENCE_ANGLE>
<SUN_AZIMUTH>145.2</SUN_AZIMUTH><SUN_ELEVATION>{scene.elevation}</SUN_ELEVATION></Scene_Source></Source_Information></Dataset_Sources>
<Data_Strip><Sensor_Calibration><Solar_Irradiance>{_suns(scene)}</Solar_Irradiance></Sensor_Calibration></Data_Strip>
"""


def _statistics(scene: _Scene) -> str:
    result = ""
    for index, name in enumerate(scene.in_metadata, 1):
        values = stored(name, scene.size)[5:]
        result += (
            f"<Band_Statistics><STX_MIN>{values.min()}</STX_MIN><STX_MAX>{values.max()}</STX_MAX>"
            f"<STX_MEAN>{values.mean():.6f}</STX_MEAN><STX_STDV>{values.std():.6f}</STX_STDV>"
            f"<BAND_INDEX>{index}</BAND_INDEX></Band_Statistics>"
        )
    return result


def _bands(scene: _Scene) -> str:
    return "".join(
        f"<Spectral_Band_Info><BAND_INDEX>{index}</BAND_INDEX><BAND_DESCRIPTION>{name}</BAND_DESCRIPTION>"
        "<PHYSICAL_UNIT>equivalent radiance (W.m-2.Sr-1.um-1)</PHYSICAL_UNIT>"
        f"<PHYSICAL_GAIN>{_GAINS[name]}</PHYSICAL_GAIN><PHYSICAL_BIAS>0.000000</PHYSICAL_BIAS></Spectral_Band_Info>"
        for index, name in enumerate(scene.in_metadata, 1)
    )


def _suns(scene: _Scene) -> str:
    return "".join(
        "<Band_Solar_Irradiance>"
        f"<SOLAR_IRRADIANCE_VALUE>{_SUNS[name]}</SOLAR_IRRADIANCE_VALUE><BAND_INDEX>{index}</BAND_INDEX>"
        "</Band_Solar_Irradiance>"
        for index, name in enumerate(scene.in_metadata, 1)
        if name in _SUNS
    )

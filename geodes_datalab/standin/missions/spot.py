"""SPOT World Heritage: scenes of SPOT 4 as recorded, DIMAP version 1, with pixels that anybody can work out.

One scene has its bands in another order than its notes tell, as some real ones have.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.made import SIMULATED, Made, zipped

SIZE = 300
CORNERS = (
    (1, 1, 1.00, 44.00),
    (1, SIZE, 1.08, 43.985),
    (SIZE, SIZE, 1.06, 43.935),
    (SIZE, 1, 0.98, 43.95),
)
"""Row, column (from 1), longitude, latitude."""
BANDS = ("XS1", "XS2", "XS3", "SWIR")
GAINS = {"XS1": 2.0, "XS2": 2.5, "XS3": 1.25, "SWIR": 8.0}
SUNS = {"XS1": 1843.0, "XS2": 1568.0, "XS3": 1052.0, "SWIR": 233.0}
ELEVATION, DAY = 60.0, "2005-06-21"
LEVELS = {"XS1": 60, "XS2": 90, "XS3": 140, "SWIR": 200}


def counts(band: str) -> Any:
    """Return the recorded numbers of a band: its level, and 10 more in every other square of 10 pixels."""
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    result = (LEVELS[band] + 10 * ((row // 10 + column // 10) % 2)).astype("uint8")
    result[:, :3] = 0  # nothing was recorded there
    return result


def products() -> Iterator[Made]:
    """Yield a scene whose notes are right, and one whose bands are in another order."""
    for number, order in ((1, BANDS), (2, ("XS3", "XS2", "XS1", "SWIR"))):
        name = f"SWH_SPOT4_HRVIR1_XI_{DAY.replace('-', '')}_{number}"
        members = {
            "SCENE01/METADATA.DIM": _notes().encode(),
            "SCENE01/IMAGERY.TIF": _image(order),
        }
        yield Made(
            "SWH_SPOT4_L1", name, (0.98, 43.935, 1.08, 44.00), f"{DAY}T10:50:0{number}Z",
            {f"{name}.zip": zipped(members)}, properties={"platform": "SPOT4", "processing:level": "L1A"},
        )  # fmt: skip


def _image(order: Sequence[str]) -> bytes:
    """Return an image without any place on a map, as those of level 1A are."""
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="GTiff", count=4, height=SIZE, width=SIZE, dtype="uint8", compress="deflate"
        ) as target:
            target.write(np.stack([counts(band) for band in order]))
        return bytes(memory.getbuffer())


def _notes() -> str:
    """Return METADATA.DIM."""
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Dimap_Document>'
        '<Metadata_Id><METADATA_FORMAT version="1.1">DIMAP</METADATA_FORMAT></Metadata_Id>'
        f"<Dataset_Id><DATASET_NAME>SCENE 4 000-000 ({SIMULATED})</DATASET_NAME></Dataset_Id>"
        f"{_geometry()}{_encoding()}{_radiometry()}</Dimap_Document>\n"
    )


def _geometry() -> str:
    """Return where the scene lies: its corners, twice, as the real notes have them."""
    vertices = "".join(
        f"<Vertex><FRAME_LON>{lon}</FRAME_LON><FRAME_LAT>{lat}</FRAME_LAT>"
        f"<FRAME_ROW>{row}</FRAME_ROW><FRAME_COL>{column}</FRAME_COL></Vertex>"
        for row, column, lon, lat in CORNERS
    )
    ties = "".join(
        f"<Tie_Point><TIE_POINT_CRS_X>{lon}</TIE_POINT_CRS_X><TIE_POINT_CRS_Y>{lat}</TIE_POINT_CRS_Y>"
        f"<TIE_POINT_DATA_X>{column}</TIE_POINT_DATA_X><TIE_POINT_DATA_Y>{row}</TIE_POINT_DATA_Y></Tie_Point>"
        for row, column, lon, lat in CORNERS
    )
    return (
        f"<Dataset_Frame>{vertices}</Dataset_Frame>"
        "<Coordinate_Reference_System><GEO_TABLES>EPSG</GEO_TABLES><Horizontal_CS>"
        "<HORIZONTAL_CS_CODE>EPSG:4326</HORIZONTAL_CS_CODE></Horizontal_CS></Coordinate_Reference_System>"
        f"<Geoposition><Geoposition_Points>{ties}</Geoposition_Points></Geoposition>"
    )


def _encoding() -> str:
    """Return how the image is stored."""
    return (
        f"<Raster_Dimensions><NCOLS>{SIZE}</NCOLS><NROWS>{SIZE}</NROWS><NBANDS>4</NBANDS></Raster_Dimensions>"
        "<Raster_Encoding><NBITS>8</NBITS><DATA_TYPE>BYTE</DATA_TYPE></Raster_Encoding>"
        '<Data_Access><DATA_FILE_FORMAT>GEOTIFF</DATA_FILE_FORMAT><Data_File><DATA_FILE_PATH href="IMAGERY.TIF"/>'
        "</Data_File></Data_Access>"
    )


def _radiometry() -> str:
    """Return what the numbers mean: gains, mean values, the sun."""
    places = list(enumerate(BANDS, start=1))
    spectral = "".join(
        f"<Spectral_Band_Info><BAND_INDEX>{place}</BAND_INDEX><BAND_DESCRIPTION>{band}</BAND_DESCRIPTION>"
        f"<PHYSICAL_GAIN>{GAINS[band]}</PHYSICAL_GAIN><PHYSICAL_BIAS>0</PHYSICAL_BIAS>"
        "<PHYSICAL_UNIT>equivalent radiance (W.m-2.Sr-1.um-1)</PHYSICAL_UNIT></Spectral_Band_Info>"
        for place, band in places
    )
    suns = "".join(
        f"<Band_Solar_Irradiance><BAND_INDEX>{place}</BAND_INDEX>"
        f"<SOLAR_IRRADIANCE_VALUE>{SUNS[band]}</SOLAR_IRRADIANCE_VALUE></Band_Solar_Irradiance>"
        for place, band in places
    )
    means = "".join(
        f"<Band_Statistics><BAND_INDEX>{place}</BAND_INDEX><STX_MEAN>{LEVELS[band] + 5}</STX_MEAN></Band_Statistics>"
        for place, band in places
    )
    return (
        f"<Image_Interpretation>{spectral}</Image_Interpretation><Image_Display>{means}</Image_Display>"
        "<Dataset_Sources><Source_Information><Scene_Source><MISSION>SPOT</MISSION><MISSION_INDEX>4</MISSION_INDEX>"
        f"<IMAGING_DATE>{DAY}</IMAGING_DATE><IMAGING_TIME>10:50:01</IMAGING_TIME>"
        f"<SUN_ELEVATION>{ELEVATION}</SUN_ELEVATION></Scene_Source></Source_Information></Dataset_Sources>"
        f"<Data_Strip><Sensor_Calibration><Solar_Irradiance>{suns}</Solar_Irradiance></Sensor_Calibration></Data_Strip>"
    )

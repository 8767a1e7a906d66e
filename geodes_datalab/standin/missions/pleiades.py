"""A simulated Pleiades primary image in DIMAP 2: four tiles, and polynomials that are linear.

Stored number of line l and pixel p, from 0: level of the band + l + 2 p; line 0 is 0, which means nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from geodes_datalab.standin.missions.made import SIMULATED, Made, zipped

NAME = "PHR1A_MS_201308081042131_SEN_SIMULATED-001"
ROWS, COLUMNS, SPLIT = 160, 200, 100
"""Size in pixels, and line and pixel at which the second tiles begin."""
LEVELS = {"B2": 300, "B1": 400, "B0": 500, "B3": 900}
"""In the order of the file."""
_GAINS = {"B0": 9.39, "B1": 9.46, "B2": 10.46, "B3": 15.65}
_SUNS = {"B0": 1915.0, "B1": 1830.0, "B2": 1594.0, "B3": 1060.0}
_CENTRE = (5.27, 44.17)
_HALF = (0.0025, 0.0015)


def products() -> Iterable[Made]:
    """Make the image."""
    folder = "IMG_PHR1A_MS_001"
    members = {
        f"{folder}/{_tile(row, column)}": _tiff(_pixels(row, column))
        for row in (1, 2)
        for column in (1, 2)
    }
    members[f"{folder}/DIM_{NAME}.XML"] = _dim().encode()
    members[f"{folder}/RPC_{NAME}.XML"] = _rpc().encode()
    (x, y), (dx, dy) = _CENTRE, _HALF
    yield Made(
        collection="PLEIADES_P1A", identifier=f"DS_{NAME}", bbox=(x - dx, y - dy, x + dx, y + dy),
        start="2013-08-08T10:42:13Z", files={f"DS_{NAME}.zip": zipped(members)},
        properties={"platform": "PLEIADES-1A", "instrument": "HiRI", "processing:level": "P1A"},
    )  # fmt: skip


def _tile(row: int, column: int) -> str:
    return f"IMG_{NAME}_R{row}C{column}.TIF"


def _pixels(row: int, column: int) -> npt.NDArray[Any]:
    lines, pixels = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    whole = np.stack([level + lines + 2 * pixels for level in LEVELS.values()])
    whole[:, 0] = 0
    part = whole[:, :SPLIT] if row == 1 else whole[:, SPLIT:]
    part = part[..., :SPLIT] if column == 1 else part[..., SPLIT:]
    return part.astype("uint16")


def _tiff(pixels: npt.NDArray[Any]) -> bytes:
    count, height, width = pixels.shape
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # as the sensor saw it
        with rasterio.open(
            memory, "w", driver="GTiff", count=count, height=height, width=width, dtype="uint16",
            INTERLEAVE="PIXEL", PHOTOMETRIC="MINISBLACK", NBITS=12,
        ) as file:  # fmt: skip
            file.write(pixels)
        return bytes(memory.getbuffer())


def _dim() -> str:
    tiles = "".join(
        f'<Data_File tile_R="{row}" tile_C="{column}"><DATA_FILE_PATH href="{_tile(row, column)}"/></Data_File>'
        for row in (1, 2)
        for column in (1, 2)
    )
    order = "".join(
        f"<Raster_Index><BAND_ID>{name}</BAND_ID><BAND_INDEX>{index}</BAND_INDEX></Raster_Index>"
        for index, name in enumerate(LEVELS, 1)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Dimap_Document><Metadata_Identification><METADATA_FORMAT version="2.15">DIMAP</METADATA_FORMAT>
<METADATA_PROFILE>PHR_SENSOR</METADATA_PROFILE></Metadata_Identification>
<Dataset_Identification><DATASET_TYPE>RASTER_DATA</DATASET_TYPE><DATASET_NAME>DS_{NAME}</DATASET_NAME>
<COMMERCIAL_REFERENCE>{SIMULATED}</COMMERCIAL_REFERENCE></Dataset_Identification>
<Raster_Data><Data_Access><DATA_FILE_ORGANISATION>BAND_COMPOSITE</DATA_FILE_ORGANISATION>
<DATA_FILE_FORMAT>image/tiff</DATA_FILE_FORMAT><DATA_FILE_TILES>true</DATA_FILE_TILES><Data_Files>{tiles}</Data_Files></Data_Access>
<Raster_Display><Band_Display_Order><RED_CHANNEL>B2</RED_CHANNEL><GREEN_CHANNEL>B1</GREEN_CHANNEL>
<BLUE_CHANNEL>B0</BLUE_CHANNEL></Band_Display_Order><Special_Value><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_COUNT>0</SPECIAL_VALUE_COUNT></Special_Value><Special_Value><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_COUNT>4095</SPECIAL_VALUE_COUNT></Special_Value></Raster_Display>
<Raster_Encoding><DATA_TYPE>INTEGER</DATA_TYPE><NBITS>12</NBITS><SIGN>UNSIGNED</SIGN></Raster_Encoding>
<Raster_Dimensions><NROWS>{ROWS}</NROWS><NCOLS>{COLUMNS}</NCOLS><NBANDS>4</NBANDS><Tile_Set><NTILES>4</NTILES>
<Regular_Tiling><NTILES_SIZE nrows="{SPLIT}" ncols="{SPLIT}"/><NTILES_COUNT ntiles_R="2" ntiles_C="2"/>
<OVERLAP_ROW>0</OVERLAP_ROW><OVERLAP_COL>0</OVERLAP_COL></Regular_Tiling></Tile_Set></Raster_Dimensions>
<Raster_Index_List>{order}</Raster_Index_List></Raster_Data>
{_radiometry()}</Dimap_Document>
"""


def _radiometry() -> str:
    measured = "".join(
        f"<Band_Radiance><BAND_ID>{name}</BAND_ID><MEASURE_DESC>Raw radiometric counts (DN) to TOA Radiance (L). "
        "Formulae L=DN/GAIN+BIAS</MEASURE_DESC><MEASURE_UNIT>watt/m2/steradians/micrometers</MEASURE_UNIT>"
        f"<GAIN>{gain}</GAIN><BIAS>0</BIAS></Band_Radiance><Band_Solar_Irradiance><BAND_ID>{name}</BAND_ID>"
        f"<VALUE>{_SUNS[name]}</VALUE></Band_Solar_Irradiance>"
        for name, gain in _GAINS.items()
    )
    return f"""<Radiometric_Data><Radiometric_Calibration><Instrument_Calibration><Band_Measurement_List>{measured}</Band_Measurement_List>
</Instrument_Calibration></Radiometric_Calibration></Radiometric_Data>
<Geometric_Data><Use_Area><Located_Geometric_Values><LOCATION_TYPE>Center</LOCATION_TYPE><TIME>2013-08-08T10:42:13.1Z</TIME>
<Solar_Incidences><SUN_AZIMUTH>150.1</SUN_AZIMUTH><SUN_ELEVATION>58.2</SUN_ELEVATION></Solar_Incidences>
</Located_Geometric_Values></Use_Area></Geometric_Data>"""


def _rpc() -> str:
    numbers = {
        "SAMP_NUM": {2: 1.0},
        "SAMP_DEN": {1: 1.0},
        "LINE_NUM": {3: -1.0},
        "LINE_DEN": {1: 1.0},
    }
    inverse = "".join(
        f"<{word}_COEFF_{index}>{told.get(index, 0.0)}</{word}_COEFF_{index}>"
        for word, told in numbers.items()
        for index in range(1, 21)
    )
    scales = {
        "LONG_SCALE": _HALF[0], "LONG_OFF": _CENTRE[0], "LAT_SCALE": _HALF[1], "LAT_OFF": _CENTRE[1],
        "HEIGHT_SCALE": 500.0, "HEIGHT_OFF": 400.0, "SAMP_SCALE": COLUMNS / 2, "SAMP_OFF": COLUMNS / 2,
        "LINE_SCALE": ROWS / 2, "LINE_OFF": ROWS / 2,
    }  # fmt: skip
    valid = "".join(f"<{word}>{value}</{word}>" for word, value in scales.items())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Dimap_Document><Metadata_Identification><METADATA_FORMAT version="2.15">DIMAP</METADATA_FORMAT></Metadata_Identification>
<Rational_Function_Model><Resource_Reference/><Global_RFM><Inverse_Model>{inverse}</Inverse_Model>
<RFM_Validity>{valid}</RFM_Validity></Global_RFM></Rational_Function_Model></Dimap_Document>
"""

"""Sentinel-2 L1C metadata: the XML files of a SAFE folder, and the catalogue's properties."""

from __future__ import annotations

import hashlib
from typing import Any
from xml.sax.saxutils import escape

from geodes_datalab.standin.samples.grid import bbox
from geodes_datalab.standin.samples.level1c import Level1C

PSD = "https://psd-14.sentinel2.eo.esa.int/PSD"
BAND_IDS = (
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B8A",
    "B09",
    "B10",
    "B11",
    "B12",
)
SOLAR_IRRADIANCE = {"B02": 1959.66, "B03": 1823.24, "B04": 1512.06, "B08": 1041.63,
                    "B11": 245.59, "B12": 85.25}  # fmt: skip
S3 = "https://s3.stand-in.invalid"  # stands for the datalake, which does not hold these samples


def mtd_msil1c(product: Level1C) -> bytes:
    """Return the product metadata (``MTD_MSIL1C.xml``) with the elements that readers use."""
    scene, images = product.scene, f"GRANULE/{product.granule}/IMG_DATA"
    stem = f"{images}/{product.tile}_{scene.start}"
    files = "".join(f"<IMAGE_FILE>{stem}_{band}</IMAGE_FILE>" for band in [*product.numbers, "TCI"])
    body = f"""
<n1:General_Info><Product_Info>
<PRODUCT_START_TIME>{scene.iso}</PRODUCT_START_TIME>
<PRODUCT_STOP_TIME>{scene.iso}</PRODUCT_STOP_TIME>
<PRODUCT_URI>{product.name}.SAFE</PRODUCT_URI>
<PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL><PRODUCT_TYPE>S2MSI1C</PRODUCT_TYPE>
<PROCESSING_BASELINE>{scene.baseline}</PROCESSING_BASELINE>
<GENERATION_TIME>{scene.iso[:10]}T17:45:14.000000Z</GENERATION_TIME>
<Datatake><SPACECRAFT_NAME>Sentinel-2{scene.unit}</SPACECRAFT_NAME>
<DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE><DATATAKE_SENSING_START>{scene.iso}</DATATAKE_SENSING_START>
<SENSING_ORBIT_NUMBER>10</SENSING_ORBIT_NUMBER>
<SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION></Datatake>
<Product_Organisation><Granule_List><Granule imageFormat="JPEG2000">{files}</Granule></Granule_List>
</Product_Organisation></Product_Info>
{_radiometry(offset=scene.offset)}</n1:General_Info>
<n1:Quality_Indicators_Info>
<Cloud_Coverage_Assessment>{scene.cloud_cover}</Cloud_Coverage_Assessment>
</n1:Quality_Indicators_Info>"""
    return _document("Level-1C_User_Product", f"{PSD}/User_Product_Level-1C.xsd", body, scene.notes)


def _radiometry(*, offset: int) -> str:
    """How digital numbers become reflectance: special values, scale, offsets, irradiances."""
    offsets = "".join(
        f'<RADIO_ADD_OFFSET band_id="{index}">{-offset}</RADIO_ADD_OFFSET>'
        for index in range(len(BAND_IDS))
    )
    offset_list = f"<Radiometric_Offset_List>{offsets}</Radiometric_Offset_List>"
    irradiance = "".join(
        f'<SOLAR_IRRADIANCE bandId="{BAND_IDS.index(band)}" unit="W/m²/µm">{value}'
        f"</SOLAR_IRRADIANCE>"
        for band, value in SOLAR_IRRADIANCE.items()
    )
    return f"""<Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>
{offset_list if offset else ""}
<Reflectance_Conversion><U>0.98</U><Solar_Irradiance_List>{irradiance}</Solar_Irradiance_List>
</Reflectance_Conversion></Product_Image_Characteristics>"""


def mtd_tl(product: Level1C) -> bytes:
    """Return the tile metadata (``MTD_TL.xml``): sensing time, geocoding and sun angles."""
    grid, scene = product.grid, product.scene
    sizes, positions = "", ""
    for gsd in (10, 20, 60):
        scaled = grid.at(gsd)
        sizes += (
            f'<Size resolution="{gsd}"><NROWS>{scaled.height}</NROWS>'
            f"<NCOLS>{scaled.width}</NCOLS></Size>"
        )
        positions += (
            f'<Geoposition resolution="{gsd}"><ULX>{grid.x:.0f}</ULX><ULY>{grid.y:.0f}</ULY>'
            f"<XDIM>{gsd}</XDIM><YDIM>-{gsd}</YDIM></Geoposition>"
        )
    hemisphere = "S" if grid.epsg // 100 == 327 else "N"
    body = f"""
<n1:General_Info><TILE_ID metadataLevel="Brief">S2{scene.unit}_OPER_MSI_L1C_TL_SIMU_{scene.start}\
_A{product.absolute_orbit:06d}_{product.tile}_N{scene.baseline}</TILE_ID>
<SENSING_TIME metadataLevel="Standard">{scene.iso}</SENSING_TIME></n1:General_Info>
<n1:Geometric_Info><Tile_Geocoding metadataLevel="Brief">
<HORIZONTAL_CS_NAME>WGS84 / UTM zone {grid.epsg % 100}{hemisphere}</HORIZONTAL_CS_NAME>
<HORIZONTAL_CS_CODE>{grid.code}</HORIZONTAL_CS_CODE>{sizes}{positions}</Tile_Geocoding>
<Tile_Angles metadataLevel="Standard"><Mean_Sun_Angle><ZENITH_ANGLE unit="deg">38.5</ZENITH_ANGLE>
<AZIMUTH_ANGLE unit="deg">45.0</AZIMUTH_ANGLE></Mean_Sun_Angle></Tile_Angles></n1:Geometric_Info>
<n1:Quality_Indicators_Info metadataLevel="Standard"><Image_Content_QI>
<CLOUDY_PIXEL_PERCENTAGE>{scene.cloud_cover}</CLOUDY_PIXEL_PERCENTAGE>
</Image_Content_QI></n1:Quality_Indicators_Info>"""
    return _document(
        "Level-1C_Tile_ID", f"{PSD}/S2_PDI_Level-1C_Tile_Metadata.xsd", body, scene.notes
    )


def manifest(safe: str, members: dict[str, bytes]) -> bytes:
    """Return ``manifest.safe``: one data object with size and MD5 for each member."""
    objects = []
    for name, content in members.items():
        local = name.removeprefix(f"{safe}/")
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        objects.append(
            f'<dataObject ID="{escape(local.replace("/", "_"))}"><byteStream size="{len(content)}">'
            f'<fileLocation locatorType="URL" href="./{escape(local)}"/>'
            f'<checksum checksumName="MD5">{digest}</checksum></byteStream></dataObject>'
        )
    joined = "\n".join(objects)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" version="esa/safe/sentinel/1.1/'
        f'sentinel-2/msi/archive_l1c_user_product">\n<dataObjectSection>\n{joined}\n'
        "</dataObjectSection>\n</xfdu:XFDU>\n"
    ).encode()


def level1c_properties(product: Level1C) -> dict[str, Any]:
    """Return the legacy catalogue properties of an L1C product."""
    scene, grid, day = product.scene, product.grid, product.scene.start
    tile = product.tile.removeprefix("T")
    place = f"{tile[:2]}/{tile[2]}/{tile[3:]}/{day[:4]}/{day[4:6]}/{day[6:8]}"
    datatake = f"GS2{scene.unit}_{day}_{product.absolute_orbit:06d}_N{scene.baseline}"
    return {
        "title": f"{product.name}{'' if scene.real else ' (simulated)'}",
        "grid:code": product.tile,
        "product:type": "S2MSI1C",
        "sar:instrument_mode": "INS-NOBS",
        "endpoint_url": f"{S3}/sentinel2-l1c/{place}/{product.name}.zip",
        "processing:level": "L1C",
        "processing:version": scene.baseline,
        "s2:datatake_id": datatake,
        "sat:absolute_orbit": product.absolute_orbit,
        **sentinel2_properties(product),
        **grid.properties(),
    }


def sentinel2_properties(product: Level1C) -> dict[str, Any]:
    """Return the legacy properties that L1C and L2A products of a date share."""
    scene, grid, place = product.scene, product.grid, product.scene.place
    west, south, east, north = bbox(grid.footprint())
    return {
        "proj:bbox": f"{west},{north},{east},{south}",
        "latest": True,
        "instrument": "MSI",
        "sat:orbit_state": "Descending",
        "sat:relative_orbit": place.relative_orbit,
        "keywords": [
            f"location:{'southern' if place.southern else 'northern'}",
            f"season:{_season(scene.start, southern=place.southern)}",
        ],
        "product:timeliness": "Nominal",
        "area": round(grid.width * grid.height * grid.gsd**2 / 1e6, 4),
        "platform": f"S2{scene.unit}",
        "version": "00.00",
        "continent_code": [place.continent],
        "start_datetime": scene.iso,
        "end_datetime": scene.iso,
        "datetime": f"{scene.iso[:10]}T21:09:26.809Z",
        "eo:cloud_cover": float(scene.cloud_cover),
        "sci:doi": "[]",
        "endpoint_description": "Stand-in: no such object exists",
        "political": place.political,
        "geodes_datalab:simulated": not scene.real,
        "geodes_datalab:comment": scene.notes,
    }


def _season(day: str, *, southern: bool) -> str:
    quarter = (int(day[4:6]) % 12) // 3 + (0 if southern else 2)
    return ("summer", "autumn", "winter", "spring")[quarter % 4]


def _document(root: str, schema: str, body: str, comment: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- {escape(comment)} -->\n'
        f'<n1:{root} xmlns:n1="{schema}">{body}\n</n1:{root}>\n'
    ).encode()

"""The fields of the drawn farmland, as a table with outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab.standin.samples import farmland, parcels

if TYPE_CHECKING:
    import geopandas


def fields() -> geopandas.GeoDataFrame:
    """Return the fields of the sample catalogue's drawn farmland, which is at Toulouse.

    All lie within ``(1.40, 43.55, 1.44, 43.58)``. They are drawn, as the pixels are: no field of the real world has these outlines. Each is drawn 15 m
    inwards, so that no pixel of a neighbour or a road lies in it.

    Returns
    -------
    geopandas.GeoDataFrame
        One row per field: ``name``, ``crop`` (``wheat``, ``sunflower``, ``maize``, ``rapeseed`` or ``meadow``)
        and outline, in degrees (EPSG:4326).

    Examples
    --------
    >>> table = fields()
    >>> sorted(set(table["crop"]))
    ['maize', 'meadow', 'rapeseed', 'sunflower', 'wheat']
    >>> table.crs.to_epsg()
    4326
    """
    import geopandas
    import shapely

    grid, drawn = parcels.GRID, farmland.drawn_fields()
    shapes = [
        shapely.Polygon([(grid.x + x, grid.y - y) for x, y in one.ring]).buffer(
            -15, join_style="mitre"
        )
        for one in drawn
    ]
    table = geopandas.GeoDataFrame(
        {
            "name": [f"{one.crop} {number}" for number, one in enumerate(drawn, 1)],
            "crop": [one.crop for one in drawn],
        },
        geometry=shapes,
        crs=grid.code,
    )
    table = table[~table.is_empty].to_crs(4326)
    return table[table.within(shapely.box(*parcels.AREA))].reset_index(drop=True)

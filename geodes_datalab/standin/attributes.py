"""The searchable attributes of the legacy catalogue (data model v8.0) and their types."""

from __future__ import annotations

STRING, NUMBER, BOOLEAN, DATE, STRINGS = "string", "number", "boolean", "date", "strings"

_STRINGS = """
dataset links processing:lineage processing_context processing_correction processing:version bbox
nb_cols nb_rows instrument platform sar:instrument_mode processing:level sar:polarizations
s2:datatake_id sat:orbit_state product:type parameter pparameter product temporal_resolution
classification swath bands grid:code sar:beam_ids subTile
identifier product:timeliness version endpoint_url title
"""
_NUMBERS = """
sat:orbit_cycle mission_take_id sat:relative_orbit sat:absolute_orbit eo:cloud_cover water_cover
saturated_defective_pixel nodata_pixel nb_col_interpolation_error ground_useful_pixel
min_useful_pixel sensor_angle sensor_pitch sensor_roll area
"""
_OTHERS = {
    "datetime": DATE,
    "start_datetime": DATE,
    "end_datetime": DATE,
    "processing:datetime": DATE,
    "product_validity": BOOLEAN,
    "no_geometry": BOOLEAN,
    "latest": BOOLEAN,
    "sci:doi": STRINGS,
    "continent_code": STRINGS,
    "keywords": STRINGS,
}
TYPES = {
    **dict.fromkeys(_STRINGS.split(), STRING),
    **dict.fromkeys(_NUMBERS.split(), NUMBER),
    **_OTHERS,
}
"""Attribute name to type. `identifier` and the last strings are not in model v8.0 but are used
by working clients; `political` (JSON) is left out, as no client is known that queries it."""

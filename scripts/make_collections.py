"""Make geodes_datalab/stac/data/collections.json from the collections that eodag ships.

    python scripts/make_collections.py path/to/eodag/resources/ext_collections.json

The input is eodag's copy of the portal's own answer (POST /api/stac/collections).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "geodes_datalab/stac/data/collections.json"

PROVENANCE = (
    "The public collections of GEODES as the portal told them about 19 October 2026, in the form "
    "that eodag 4.10.1 (Apache-2.0) ships them, key 'geodes' of eodag/resources/ext_collections.json; "
    "reduced by scripts/make_collections.py (spatial extents, all global, left out). 'items': totals "
    "printed by the CNES quickstart notebook of pyGeodes (February 2026), where it printed any."
)

ITEMS = {
    "PEPS_S1_L1": 6441578,
    "PEPS_S1_L2": 1534336,
    "PEPS_S2_L1C": 37010592,
    "PEPS_S3_L1": 64805,
    "THEIA_BIOPHY_SENTINEL2_L2B": 0,
    "THEIA_OSO_RASTER_L3B": 9,
    "THEIA_OSO_VECTOR_L3B": 864,
    "THEIA_REFLECTANCE_LANDSAT8_L2A": 27896,
    "THEIA_REFLECTANCE_SENTINEL2_L2A": 2177670,
    "THEIA_REFLECTANCE_SENTINEL2_L3A": 63568,
    "THEIA_REFLECTANCE_SPOT4_TAKE5_L2A": 814,
    "THEIA_REFLECTANCE_SPOT5_TAKE5_L2A": 2953,
    "THEIA_S1TILING_SENTINEL1_L1": 0,
    "THEIA_SPOT4_TAKE5_L1C": 902,
    "THEIA_SPOT5_TAKE5_L1C": 3740,
    "THEIA_WATERQUAL_SENTINEL2_L2B": 138,
}


def compact(name: str, one: dict) -> dict:
    start, end = one["extent"]["temporal"]["interval"][0]
    found = {
        "id": name,
        "title": one["title"],
        "description": " ".join(one["description"].split()),
        "keywords": one["keywords"],
        "constellation": one.get("constellation"),
        "instruments": one.get("instruments", []),
        "level": one.get("processing:level"),
        "start": start and start[:10],
        "end": end and end[:10],
        "license": one.get("license"),
        "items": ITEMS.get(name),
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def main() -> None:
    content = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    configs = content.get("geodes", content)["collections_config"]
    rows = [
        json.dumps(compact(name, configs[name]), ensure_ascii=False) for name in sorted(configs)
    ]
    text = json.dumps({"provenance": PROVENANCE}, ensure_ascii=False)[:-1]
    TARGET.write_text(text + ',\n"collections": [\n' + ",\n".join(rows) + "\n]}\n", "utf-8")


if __name__ == "__main__":
    main()

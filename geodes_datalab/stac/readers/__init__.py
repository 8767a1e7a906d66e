"""Reader descriptors: what the files of a collection hold, and where in the archive it lies.

The descriptors are data (``stac/data/readers``); nothing here opens a file.
"""

from __future__ import annotations

from geodes_datalab.stac.readers.bands import Band, Class, folded
from geodes_datalab.stac.readers.baselines import as_baseline, baseline, baseline_is_guessed
from geodes_datalab.stac.readers.descriptor import Reader, Variant
from geodes_datalab.stac.readers.kinds import KINDS, Layout, Status
from geodes_datalab.stac.readers.table import reader, reader_of_product, readers

__all__ = [
    "KINDS",
    "Band",
    "Class",
    "Layout",
    "Reader",
    "Status",
    "Variant",
    "as_baseline",
    "baseline",
    "baseline_is_guessed",
    "folded",
    "reader",
    "reader_of_product",
    "readers",
]

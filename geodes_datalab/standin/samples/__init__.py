"""Sample products made from real, published data, and of one drawn place, packed as GEODES serves them.

`build` makes the archives once into a cache folder and returns a `SampleSet`. What is real and what
is simulated is told by ``data/PROVENANCE.md``, and by the title and properties of every product.
"""

from __future__ import annotations

from geodes_datalab.standin.samples.build import SampleSet, build, version
from geodes_datalab.standin.samples.product import Product, ProductFile

__all__ = ["Product", "ProductFile", "SampleSet", "build", "version"]

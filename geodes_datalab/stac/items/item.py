"""`Item`: what `Items` hands out, a pystac item that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pystac

import geodes_datalab

if TYPE_CHECKING:
    import xarray as xr


class Item(pystac.Item):
    """An item of a catalogue: a ``pystac.Item``, and `read`."""

    def read(
        self,
        bands: Sequence[str] | str | None = None,
        bbox: Sequence[float] | None = None,
        *,
        geometry: Any = None,
        resolution: float | tuple[float, float] | None = None,
        raw: bool = False,
        masked: bool | None = None,
        scaled: bool | None = None,
    ) -> xr.Dataset:
        """Read a window of this product, now: `geodes_datalab.subset`, which has more options.

        Parameters
        ----------
        bands
            ``"B04"``, ``"red"``, or several.
        bbox
            West, south, east, north in degrees.
        geometry, resolution, raw, masked, scaled
            As in `geodes_datalab.load`.

        Returns
        -------
        xarray.Dataset
            Dimensions (y, x), in memory; the attribute ``received`` tells how many bytes came over
            the network, out of how many.

        Raises
        ------
        CubeError, ProductOffline, ReadError, RemoteError
            See `geodes_datalab.subset`.
        """
        return geodes_datalab.subset(
            self, bands, bbox,
            geometry=geometry, resolution=resolution, raw=raw, masked=masked, scaled=scaled,
        )  # fmt: skip

"""Finding bands in a cube by what they measure."""

from __future__ import annotations

import xarray as xr

from geodes_datalab._inputs.words import BANDS
from geodes_datalab.errors import UnknownBand, near
from geodes_datalab.ops.packing import understood


def band(data: xr.Dataset | None, name: str, given: xr.DataArray | None = None) -> xr.DataArray:
    """Find a band by its common name.

    Parameters
    ----------
    data
        Cube; variables are recognised by their name, else by their attribute ``common_name``.
    name
        Common name (``red``, ``nir``, ``swir1`` ...).
    given
        The band itself, where the caller has it already.

    Raises
    ------
    UnknownBand
        There is none; the hint names what there is.

    Examples
    --------
    >>> cube = xr.Dataset({"B04": ("x", [1, 2], {"common_name": "red"})})
    >>> band(cube, "red").name
    'B04'
    """
    if given is not None:
        return given
    if data is None:
        raise UnknownBand(f"the band {name} is missing", hint=f"give a cube, or {name}=")
    data = understood(data)
    for wanted in BANDS.get(name, (name,)):
        if wanted in data.data_vars:
            return data[wanted]
        for variable in data.data_vars.values():
            if variable.attrs.get("common_name") == wanted:
                return variable
    there = [str(variable) for variable in data.data_vars]
    hint = near(name, there) or f"the cube has: {', '.join(there)}"
    raise UnknownBand(
        f"the cube has no band {name!r}", hint=f'{hint}; load it with bands=[..., "{name}"]'
    )

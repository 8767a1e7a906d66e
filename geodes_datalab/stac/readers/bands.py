"""Bands of products: what each measures, how it is stored, where its file is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Class:
    """A class of a band whose numbers are names."""

    value: int
    """Stored value."""
    name: str
    """What it means, in words."""
    colour: str = ""
    """Of maps, as ``#rrggbb``; empty where the product tells none."""


@dataclass(frozen=True)
class Band:
    """One band of a product: what it measures, how it is stored, where its file is."""

    name: str
    """Name in the product, such as ``B04``."""
    gsd: float = 0.0
    """Ground sample distance in metres; 0 where values lie on no grid, or on one in degrees."""
    dtype: str = "float32"
    """Type of the stored values (numpy's name)."""
    member: str = "*"
    """Pattern (fnmatch) of the path in the archive, or of the file's name."""
    common_name: str | None = None
    """Name shared by all sensors, such as ``red`` (STAC eo extension)."""
    wavelength: float | None = None
    """Centre in micrometres."""
    width: float | None = None
    """Full width at half maximum in micrometres."""
    scale: float = 1.0
    """Physical value = stored value * ``scale`` + ``offset``."""
    offset: float = 0.0
    """In physical units."""
    nodata: float | None = None
    """Stored value that means "nothing"; one in the file's header wins."""
    units: str = "1"
    """Units of the physical value; ``1`` for a ratio."""
    description: str = ""
    """What the values mean, where the name does not tell."""
    role: str = "data"
    """``data``, ``mask`` (flags, classes), or ``auxiliary`` (read where it is named)."""
    asset: str | None = None
    """Key of the file among an item's assets, where that is not the band's name."""
    index: int = 1
    """Number of the band in its file, from 1; 0 where nobody tells how many bands the file has."""
    layers: tuple[str, ...] = ()
    """Names of the bands of a file that has several: this one then stands for all of them."""
    alone: bool = False
    """Whether a catalogue tells of no other band in its file: one that has several is refused."""
    standard_name: str = ""
    """CF's name of the quantity, where there is one."""
    quality: str = ""
    """Name of the band that tells how good the values are."""
    good: tuple[int, ...] = ()
    """Values of that band with which values are kept: all others are missing."""
    classes: tuple[Class, ...] = ()
    """What its numbers mean, where they are classes."""
    datum: str = ""
    """What heights are above, such as ``EGM2008`` or ``WGS 84 ellipsoid``."""
    positive: str = ""
    """Which way positive values point, in words, where a sign could be taken for the other one."""

    @property
    def key(self) -> str:
        """Key of the file among an item's assets."""
        return self.asset or self.name

    @property
    def number(self) -> int:
        """Number of the band in its file, from 1; 0 where the file should have but one."""
        return 0 if self.alone else self.index

    def layer(self, name: str) -> Band | None:
        """Return one of the bands of a file that has several, by its name or its number.

        Examples
        --------
        >>> from geodes_datalab.stac import reader
        >>> reader("PEPS_S2_L1C").band("MSK_CLASSI").layer("snow").index
        3
        """
        words = [folded(item) for item in self.layers]
        number = int(name) if name.isascii() and name.isdigit() else 0
        if folded(name) in words:
            number = words.index(folded(name)) + 1
        if not 1 <= number <= len(words):
            return None
        own = self.layers[number - 1]
        described = f"{own.replace('_', ' ')}: {self.description}" if self.description else own
        return replace(
            self, name=f"{self.name}.{own}", asset=self.asset, index=number, layers=(),
            description=described,
        )  # fmt: skip

    def matches(self, path: str) -> bool:
        """Tell whether a path in an archive, or a file's name, is this band's file.

        Examples
        --------
        >>> from geodes_datalab.stac import reader
        >>> tiles = reader("THEIA_S1TILING_SENTINEL1_L1")
        >>> tiles.band("VV").matches("s1a_31TCH_vv_DES_110_20200101t054321.tif")
        True
        """
        return fnmatchcase(path, self.member)


def folded(name: str) -> str:
    """Return a name without case and without zeros in front of its number."""
    return re.sub(r"^b0(\d)$", r"b\1", name.strip().casefold())

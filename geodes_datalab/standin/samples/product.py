"""The value objects that describe a sample product and its files."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ProductFile:
    """One file of a product, as the catalogue announces it."""

    name: str
    """Asset key: the file's name, maybe with folders in front."""
    path: str | None
    """Where the bytes are, relative to the sample folder; None when there are none to serve."""
    size: int
    """Bytes."""
    md5: str
    """Hex digest, which also ends the asset's address."""
    type: str
    """Media type."""
    datatype: str
    """REGARDS data type: ``RAWDATA`` or ``QUICKLOOK_SD``."""

    @property
    def role(self) -> str:
        """STAC role that the legacy catalogue gives to this data type."""
        return "data" if self.datatype == "RAWDATA" else "overview"


@dataclass(frozen=True)
class Product:
    """One catalogue entry, independent of the wire format it is served in."""

    collection: str
    """Legacy collection id, such as ``PEPS_S2_L1C``."""
    identifier: str
    """Product name."""
    geometry: dict[str, Any]
    """GeoJSON polygon in degrees."""
    properties: dict[str, Any]
    """Legacy properties, without ``identifier`` and ``dataset``."""
    files: tuple[ProductFile, ...]
    """Data file first."""
    on_tape: bool = False
    """Whether the data file must be fetched from tape before it can be read."""
    urn: str | None = None
    """Item id; made from the identifier when None."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Members of a recorded real item that must be served as they were."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Product:
        """Make a product from what `to_dict` gave."""
        files = tuple(ProductFile(**item) for item in values["files"])
        return cls(**{**values, "files": files})


def describe(root: Path, path: Path, *, name: str, media: str, datatype: str) -> ProductFile:
    """Return the entry of a file that was just written below `root`, with its true checksum."""
    content = path.read_bytes()
    return ProductFile(
        name=name,
        path=path.relative_to(root).as_posix(),
        size=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        type=media,
        datatype=datatype,
    )

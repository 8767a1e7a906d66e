"""A sample product before it is written: its catalogue entry, and the content of its files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

SIMULATED = (
    "Simulated: nobody has observed this. The form of the files is that of the real product."
)
"""What the metadata of simulated products say; their titles end with ``(simulated)``."""


@dataclass(frozen=True)
class Made:
    """One product of the sample catalogue."""

    collection: str
    """Id that the portal has for the collection, or that ours has where none is known."""
    identifier: str
    """Name of the product."""
    bbox: tuple[float, float, float, float]
    """West, south, east, north in degrees."""
    start: str
    """Begin of the acquisition, ISO 8601 in UTC, with Z."""
    files: Mapping[str, bytes]
    """Name of each file as the catalogue announces it -> its content."""
    end: str = ""
    """End of the acquisition; the begin where not given."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """Further properties, by the portal's names: ``platform``, ``processing:level``, ``product:type`` ..."""
    simulated: bool = True
    """Whether the values are no observations."""

    @property
    def title(self) -> str:
        """Name, and whether it is simulated."""
        return f"{self.identifier} (simulated)" if self.simulated else self.identifier


def zipped(members: Mapping[str, bytes], *, stored: bool = False) -> bytes:
    """Return a zip archive: the same bytes for the same members.

    Parameters
    ----------
    members
        Content by path.
    stored
        Whether members are stored as they are; they are deflated otherwise.
    """
    into = BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 12, 0, 0))
            info.external_attr, info.create_system = 0o100644 << 16, 3
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return into.getvalue()

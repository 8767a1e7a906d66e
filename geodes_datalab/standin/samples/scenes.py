"""The dates of the Sentinel-2 samples: one real scene, what is simulated around it, and a drawn place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from geodes_datalab.standin.samples.places import PATAGONIA, TOULOUSE, Place

REAL_NOTE = (
    "Real Sentinel-2 pixels (source: xarray-spatial, contains modified Copernicus Sentinel data), "
    "a 3 x 2 km crop of one corner of the MGRS tile. The source does not give the date: date, "
    "orbit and processing baseline are assigned."
)
OTHER_ZONE_NOTE = "The crop was reprojected to the neighbouring UTM zone (nearest neighbour); no such tile exists."


@dataclass(frozen=True)
class Scene:
    """One Sentinel-2 acquisition of a sample place."""

    start: str
    """Acquisition, ``YYYYMMDDThhmmss``."""
    unit: str
    """Satellite, ``A`` or ``B``."""
    baseline: str
    """Processing baseline; from 04.00 on, digital numbers carry an offset of +1000."""
    cloud_cover: float
    """Simulated clouds, percent of the crop."""
    season: float
    """0: the real pixels; 1: the greenest simulated date."""
    edge: bool = False
    """Whether a simulated swath edge cuts the crop."""
    on_tape: bool = False
    epsg: int = 32719
    """UTM zone that the product is delivered in."""
    surface: bool = True
    """Whether a Theia L2A product of this date exists too."""

    place: Place = PATAGONIA

    @property
    def real(self) -> bool:
        """Whether the pixels are the real ones."""
        if self.place is not PATAGONIA:
            return False
        return self.season == 0 and self.cloud_cover == 0 and not self.edge and self.epsg == 32719

    @property
    def offset(self) -> int:
        """What baselines from 04.00 on add to each digital number."""
        return 1000 if self.baseline >= "04.00" else 0

    @property
    def notes(self) -> str:
        """What a user must know about the pixels."""
        note = REAL_NOTE if self.real else self.place.simulated_note
        return note if self.epsg != 32720 else f"{note} {OTHER_ZONE_NOTE}"

    @property
    def day(self) -> int:
        """Day of the year."""
        return date.fromisoformat(self.iso[:10]).timetuple().tm_yday

    @property
    def iso(self) -> str:
        """Acquisition with the dashes and colons of the catalogue."""
        day, time = self.start.split("T")
        return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}.024Z"


SCENES = (
    Scene("20211104T142021", "A", "03.01", cloud_cover=0, season=0),
    Scene("20211209T142019", "B", "03.01", cloud_cover=12, season=0.55),
    Scene("20220113T142021", "A", "03.01", cloud_cover=64, season=0.95),
    Scene("20220217T142019", "B", "04.00", cloud_cover=0, season=1.0),
    Scene("20220324T142021", "A", "04.00", cloud_cover=27, season=0.6, edge=True),
    Scene("20220428T142019", "B", "04.00", cloud_cover=3, season=0.2),
    Scene("20220503T142021", "A", "04.00", cloud_cover=0, season=0.15, epsg=32720, surface=False),
    Scene("20220602T142021", "A", "04.00", cloud_cover=8, season=0.05, on_tape=True, surface=False),
)

DRAWN = tuple(
    Scene(f"2025{day}T105131", unit, "05.11", cloud_cover, season=0, epsg=32631, place=TOULOUSE)
    for day, unit, cloud_cover in (
        ("0308", "B", 6),
        ("0407", "B", 0),
        ("0427", "B", 22),
        ("0522", "A", 0),
        ("0616", "B", 41),
        ("0711", "A", 3),
        ("0805", "B", 0),
        ("0830", "A", 11),
        ("0924", "B", 0),
    )
)
"""The growing season of the drawn farmland (Theia L2A alone)."""

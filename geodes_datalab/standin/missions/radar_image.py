"""One image of a simulated Sentinel-1 product: its size, and the time of each line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

START = datetime(2024, 3, 15, 5, 55, 30, 500_000)  # noqa: DTZ001 - as the files have it


@dataclass(frozen=True)
class Image:
    """One image of a SAFE."""

    kind: str
    swath: str
    polarisation: str
    number: int
    lines: int
    pixels: int
    first: int = 0
    """Pixels from the product's first one: where the sub-swath begins."""
    burst: int = 0
    """Lines of a burst; 0 where there are none."""

    @property
    def step(self) -> float:
        """Seconds from line to line."""
        return 0.0020555 if self.burst else 0.0014983

    def begin(self, line: int) -> datetime:
        """Return the time of a line: a burst begins before the last one's lines end."""
        whole, rest = divmod(line, self.burst) if self.burst else (0, line)
        along = (whole * (self.burst - 8) + rest) * self.step
        return START + timedelta(microseconds=round(along * 1e6))

    @property
    def stem(self) -> str:
        """Name of its files, without ending."""
        times = (START, self.begin(self.lines - 1))
        moments = "-".join(f"{one:%Y%m%dt%H%M%S}" for one in times)
        names = f"{self.swath}-{self.kind}-{self.polarisation}".lower()
        return f"s1a-{names}-{moments}-053000-066b00-{self.number:03d}"

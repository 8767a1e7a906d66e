"""Sample products of further missions: format-true files, small, of which most are simulated and say so.

Names, groups, types, fill values and attributes are those of the real products; values are drawn by formulas,
or taken from real data that a package carries. Each family is a module with a function `products`.
"""

from __future__ import annotations

from geodes_datalab.standin.missions.build import build
from geodes_datalab.standin.missions.made import Made

__all__ = ["Made", "build"]

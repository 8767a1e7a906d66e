"""A stand-in GEODES: the real wire format and its traps, over real sample products.

It is not GEODES, and says so in every page. Use it in tests::

    from geodes_datalab.testing.geodes import serve

    with serve() as geodes:
        geodes.stac_url, geodes.api_key
        geodes.faults.fail("download", status=500, times=2)
        geodes.requests.to("/search")[-1].body

and from the command line: ``python -m geodes_datalab.testing.geodes --port 8765``.
"""

from __future__ import annotations

from geodes_datalab.testing.geodes.app import create_app
from geodes_datalab.testing.geodes.catalogue import Catalogue
from geodes_datalab.testing.geodes.faults import Fault, Faults
from geodes_datalab.testing.geodes.portal import Settings
from geodes_datalab.testing.geodes.profiles import PROFILES, Profile
from geodes_datalab.testing.geodes.recorder import Received, RequestLog
from geodes_datalab.testing.geodes.server import StandIn, serve

__all__ = [
    "PROFILES",
    "Catalogue",
    "Fault",
    "Faults",
    "Profile",
    "Received",
    "RequestLog",
    "Settings",
    "StandIn",
    "create_app",
    "serve",
]

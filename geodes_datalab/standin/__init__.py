"""A stand-in GEODES: the real wire format and its traps, over sample products, real and simulated.

It is not GEODES, and says so in every page. Use it in tests::

    from geodes_datalab.standin import serve

    with serve() as geodes:
        geodes.stac_url, geodes.api_key
        geodes.faults.fail("download", status=500, times=2)
        geodes.requests.to("/search")[-1].body

and from the command line: ``python -m geodes_datalab.standin --port 8765``.
"""

from __future__ import annotations

from geodes_datalab.standin.app import create_app
from geodes_datalab.standin.catalogue import Catalogue
from geodes_datalab.standin.faults import Fault, Faults
from geodes_datalab.standin.outlines import fields
from geodes_datalab.standin.portal import Settings
from geodes_datalab.standin.profiles import PROFILES, Profile
from geodes_datalab.standin.recorder import Received, RequestLog
from geodes_datalab.standin.server import StandIn, serve

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
    "fields",
    "serve",
]

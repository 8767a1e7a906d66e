"""``python -m geodes_datalab.server.start COMMAND...``."""

from __future__ import annotations

from geodes_datalab.server.start import main

main()

"""``python -m geodes_datalab.hub.start COMMAND...``."""

from __future__ import annotations

from geodes_datalab.hub.start import main

main()

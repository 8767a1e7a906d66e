"""Results of users as a STAC catalogue: files and folders that every STAC tool reads, without a server.

`publish` works in stages: `pieces` (which part of a cube becomes which item), `describing` (what an item says
of its files), `licences` and `inputs` (what the inputs allow), `checking` (STAC's own schemas), `writing` (files,
with their checksums), `shelf` (a folder that several processes may change at once, and that is valid whatever
breaks off). `geodes_datalab.search` reads it: `geodes_datalab.stac.dialects.static`.

No module here bears the name of a verb: importing it would hide the verb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from geodes_datalab._lazy import attach

_NAMES = {"Publication": "publication", "publish": "publishing", "unpublish": "withdrawing"}

if TYPE_CHECKING:
    from geodes_datalab.results.publication import Publication
    from geodes_datalab.results.publishing import publish
    from geodes_datalab.results.withdrawing import unpublish

__all__ = ["Publication", "publish", "unpublish"]

__getattr__, __dir__ = attach(__name__, _NAMES)

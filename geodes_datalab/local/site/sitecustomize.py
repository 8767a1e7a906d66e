"""Every Python of local mode begins with this, where the operator names authorities of a site.

Some libraries read no variable (`geodes_datalab._authorities.GUARDS`); in the images a .pth file does the
same. A Python that does not know geodes_datalab is left as it is, and a sitecustomize of its own runs.
"""

from __future__ import annotations

import sys
from pathlib import Path

try:
    from geodes_datalab import _authorities
except ImportError:
    pass
else:
    _authorities.watch()

_HERE = str(Path(__file__).parent)
if _HERE in sys.path:
    sys.path.remove(_HERE)
    _this = sys.modules.pop(__name__)
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ModuleNotFoundError:
        sys.modules[__name__] = _this

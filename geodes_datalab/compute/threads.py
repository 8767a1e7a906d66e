"""Leave Dask's workers one thread of linear algebra for each of their own threads.

Where a server's cores are limited, it starts with ``OMP_NUM_THREADS`` set to them
(`geodes_datalab.server.start`). Dask sets it to 1 for its workers, which compute in threads themselves, but
not where it is set: four workers on four cores would start sixteen threads. The process beside each
worker loads this module (``DASK_DISTRIBUTED__NANNY__PRELOAD``) and puts back what Dask would have said.
A value that the site or the user set is left alone.
"""

from __future__ import annotations

import os
from typing import Any

from geodes_datalab import _limits


def dask_setup(nanny: Any) -> None:
    """Set the variable; Dask calls this before it starts the worker's process.

    Parameters
    ----------
    nanny
        A ``distributed.Nanny``.
    """
    for name in _limits.ours(os.environ).intersection(_limits.BLAS):
        nanny.pre_spawn_env[name] = "1"
        if nanny.env.get(name) == os.environ[name]:  # not given for this cluster
            nanny.env[name] = "1"

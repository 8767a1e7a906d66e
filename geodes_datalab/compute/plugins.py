"""What runs inside workers; imports Dask, so only `open_cluster` imports this."""

from __future__ import annotations

from distributed import Worker, WorkerPlugin

from geodes_datalab.compute import tls


class TlsGuard(WorkerPlugin):
    """Installs the guard of `geodes_datalab.compute.tls` in each worker, also in later ones."""

    name = "geodes-tls-guard"
    idempotent = True

    def setup(self, worker: Worker) -> None:
        """Install the guard where the defect shows."""
        tls.install()

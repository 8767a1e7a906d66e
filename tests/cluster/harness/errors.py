from __future__ import annotations


class ClusterError(RuntimeError):
    """The test cluster cannot do what was asked; the message says why and what to do."""

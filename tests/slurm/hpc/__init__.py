"""A Slurm centre on this machine: real daemons, several nodes, accounts that only it knows."""

from __future__ import annotations

from hpc.centre import Centre

__all__ = ["Centre"]

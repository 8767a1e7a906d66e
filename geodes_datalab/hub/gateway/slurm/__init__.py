"""Dask clusters as Slurm jobs, each under its owner's Unix account.

The gateway runs on a login node under an account of its own that may do one thing as others: start
the launcher (`geodes_datalab.hub.gateway.slurm.launcher`), a program that only root can change.
"""

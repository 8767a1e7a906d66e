"""Local mode: the whole datalab on one machine, supervised by one process.

``geodes-datalab up`` starts JupyterHub, its proxy, Dask Gateway, the idle culler and, unless the
real GEODES is used, the sample catalogue; all on 127.0.0.1. See docs/explanation/local-mode.md.
"""

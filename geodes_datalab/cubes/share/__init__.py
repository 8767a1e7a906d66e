"""The portal's key and settings: in this process, and on the way to Dask's workers."""

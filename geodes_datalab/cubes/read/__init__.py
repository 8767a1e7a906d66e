"""Pixels of one file, read by GDAL in the process and thread that need them."""

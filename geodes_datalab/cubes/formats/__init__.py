"""Formats of products, one module for each kind: from files to what Python's libraries work with.

A descriptor (`geodes_datalab.stac.readers`) tells the kind of a product's files; `registry` names the module that
opens it. What is on a map is a grid, of which `gridded` makes cubes; what lies elsewhere is opened as it is.
"""

"""What people type: places, times and names, read in one way by every verb.

`areas` (boxes and polygons in degrees) rests on `shapes` (every form in which people hold a geometry)
and `files`; `times` reads moments and spans, `words` names and lists of names. All of them raise
`geodes_datalab.errors.InvalidInput`, and never an error of Python's own.
"""

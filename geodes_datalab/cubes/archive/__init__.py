"""Reading where the data lies: windows of images inside zip archives, by byte ranges.

An archive is never fetched whole where a part will do. Its directory tells where each member lies
(`directory`); of an image only those bytes are fetched that hold the pixels asked for, and they are
put together into a *copy with holes*: a small file in memory which GDAL takes for the whole one, since
its header, its georeference and its overviews are the original's. Reading a hole is an error, never a
zero. So every pixel is decoded, warped and masked by the very code that reads a downloaded file.

Everything in this package is used by `geodes_datalab.cubes`; nothing of it is needed to write a cube.
"""

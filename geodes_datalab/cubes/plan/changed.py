"""The errors for products that are not as they are described, or damaged."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from geodes_datalab._display import some
from geodes_datalab.errors import FormatChanged, ReadError


def changed(
    title: str, how: str, names: Sequence[str], wanted: Sequence[str] = ()
) -> FormatChanged:
    """Return the error for a product that is not as it is described.

    Parameters
    ----------
    title
        Name of the product.
    how
        What is not as described, for a sentence that begins with the title.
    names
        Of the files that it holds.
    wanted
        Patterns of the files that it should hold.

    Examples
    --------
    >>> changed("A", "has no file *.DIM", ["A/METADATA.XML"], ["*/METADATA.DIM"]).message
    'A has no file *.DIM; it holds A/METADATA.XML'
    """
    close = (get_close_matches(one.strip("*/"), names, 1, 0.3) for one in wanted)
    near = next((found[0] for found in close if found), "")
    return FormatChanged(
        f"{title} {how}; it holds {some(list(names), 6) or 'nothing'}",
        hint=(f"the nearest is {near}. " if near else "")
        + "Its format may be newer than this version of geodes_datalab: upgrade it, or download the "
        "product with geodes_datalab.download() and open the file with what reads it",
    )


def damaged(what: str) -> ReadError:
    """Return the error for a file that cannot be read.

    Parameters
    ----------
    what
        The file, and what is wrong with it: a sentence.
    """
    return ReadError(
        what, hint="download the product again with geodes_datalab.download(), which checks its MD5"
    )

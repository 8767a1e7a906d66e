"""XML files of products: no entities, no document types, and no more than some bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from geodes_datalab import _markup
from geodes_datalab._markup import Element
from geodes_datalab.cubes.formats.files import ProductFiles


def root_of(files: ProductFiles, name: str) -> Element:
    """Parse an XML file of a product.

    Raises
    ------
    FormatChanged
        It is no XML, or one with a document type.
    """
    try:
        return _markup.root_of(files.read(name))
    except _markup.ParseError as error:
        raise files.changed(f"holds {name}, which cannot be read as XML ({error})") from error


class Node:
    """An element of a product's XML, which says what is missing in it.

    Parameters
    ----------
    files, name
        The product, and the file in it.
    element
        Its root, or what was found in it.
    """

    def __init__(self, files: ProductFiles, name: str, element: Element | None = None) -> None:
        self._files, self._name = files, name
        self._element = root_of(files, name) if element is None else element

    def all(self, path: str) -> Iterator[Node]:
        """Return the elements at a path."""
        for found in self._element.iterfind(path):
            yield Node(self._files, self._name, found)

    def text(self, path: str, default: str | None = None) -> str:
        """Return the text at a path; `default` where there is none."""
        found = self._element.findtext(path)
        if found is None and default is None:
            raise self._files.changed(f"has no <{path}> in {self._name}")
        return str(default if found is None else found).strip()

    def number(self, path: str) -> float:
        """Return the number at a path."""
        return float(self.numbers(path)[0])

    def numbers(self, path: str) -> npt.NDArray[np.float64]:
        """Return the numbers at a path, which blanks separate: one at least."""
        try:
            result = np.array(self.text(path).split(), "float64")
        except ValueError as error:
            raise self._files.changed(f"has no numbers in <{path}> of {self._name}") from error
        if not result.size:
            raise self._files.changed(f"has nothing in <{path}> of {self._name}")
        return result

    def moment(self, path: str) -> np.datetime64:
        """Return the time at a path."""
        try:
            return np.datetime64(self.text(path).removesuffix("Z"), "ns")
        except ValueError as error:
            raise self._files.changed(f"has no time in <{path}> of {self._name}") from error

"""Pictures that stand in a page itself."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def picture(uri: str) -> Image.Image:
    """Return a picture of a data URI, with what is transparent in it."""
    _, _, coded = uri.partition(";base64,")
    return Image.open(io.BytesIO(base64.b64decode(coded, validate=True))).convert("RGBA")


def pixels(uri: str) -> np.ndarray[Any, Any]:
    """Return the pixels (y, x, 4) of a data URI."""
    return np.asarray(picture(uri))

"""What ``jupyter nbconvert`` says in a terminal where it cannot do a thing: a sentence, and what to do."""

from __future__ import annotations

import sys
from types import TracebackType

_FORMATS = "jupyter nbconvert --to pdf, html, slides, markdown or script"


def tell_plainly() -> None:
    """Let this process end without a trace of calls where the notebook, or the format, is the reason."""
    former = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, trace: TracebackType | None) -> None:
        text = plain(value)
        if text:
            sys.stderr.write(f"{text}\n")
        else:
            former(kind, value, trace)

    sys.excepthook = hook


def plain(error: BaseException) -> str:
    """Return what an error means to who typed the command; empty for what is a fault of a program.

    Parameters
    ----------
    error
        Of nbconvert, nbformat or ours.
    """
    from nbconvert.exporters.base import ExporterDisabledError, ExporterNameError
    from nbformat import ValidationError
    from nbformat.reader import NotJSONError

    from geodes_datalab.errors import GeodesError

    if isinstance(error, GeodesError):
        return f"Error: {error}"
    if isinstance(error, ExporterDisabledError):
        return f"Error: {error}: its programs are not here\n  What to do: {_FORMATS}"
    if isinstance(error, ExporterNameError):
        return f"Error: {error}"
    if isinstance(error, (NotJSONError, ValidationError)):
        said = str(error).splitlines()[0][:200]
        return f"Error: this is no notebook: {said}\n  What to do: open it in the Lab, and save it anew"
    return ""

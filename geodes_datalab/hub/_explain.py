"""Turn pydantic's findings into sentences that name the key and the nearest right one."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from geodes_datalab.errors import near


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return one line per problem.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The model that was validated.
    """
    return [_line(dict(found), model) for found in error.errors(include_input=False)]


def _line(found: dict[str, Any], model: type[BaseModel]) -> str:
    location: tuple[str | int, ...] = found["loc"]
    key = ".".join(str(part) for part in location) or "settings"
    if found["type"] == "extra_forbidden":
        known = sorted(_model_at(model, location[:-1]).model_fields)
        advice = near(str(location[-1]), known, count=1) or "known here: " + ", ".join(known)
        return f"  {key}: there is no such setting; {advice}"
    return f"  {key}: {found['msg'].removeprefix('Value error, ')}"


def _model_at(model: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel]:
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        candidates = (annotation, *get_args(annotation))
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return model

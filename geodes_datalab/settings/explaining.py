"""Turn pydantic's findings into sentences that name the key and the nearest right one."""

from __future__ import annotations

from typing import Any, get_args, get_origin

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
    key = ".".join(str(part) for part in location if part != "[key]") or "settings"
    if found["type"] == "extra_forbidden":
        known = sorted(_model_at(model, location[:-1]).model_fields)
        advice = near(str(location[-1]), known, count=1) or "known here: " + ", ".join(known)
        return f"  {key}: there is no such setting; {advice}"
    return f"  {key}: {found['msg'].removeprefix('Value error, ')}"


def _model_at(model: type[BaseModel], location: tuple[str | int, ...]) -> type[BaseModel]:
    """Follow a path of keys; a name in a map leads to what the map holds."""
    held: Any = model
    for part in location:
        if get_origin(held) is dict:
            held = get_args(held)[1]
        else:
            held = _inside(held.model_fields[str(part)].annotation)
    assert isinstance(held, type)
    assert issubclass(held, BaseModel)
    return held


def _inside(annotation: Any) -> Any:
    """Return the model or the map that an annotation stands for, also where it is optional."""
    candidates = (annotation, *get_args(annotation))
    return next(
        found
        for found in candidates
        if get_origin(found) is dict or (isinstance(found, type) and issubclass(found, BaseModel))
    )

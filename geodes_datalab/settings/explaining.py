"""Turn pydantic's findings into sentences that name the key and the nearest right one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from geodes_datalab.errors import near
from geodes_datalab.settings.base import spelled

Location = tuple[str | int, ...]

MOVED = {
    "authenticator": "auth (authenticator.kind is auth.type)",
    "check": "tests",
    "cull.busy_hours": "cull.busy_max_age, in seconds",
    "cull.every_minutes": "cull.every, in seconds",
    "cull.max_age_hours": "cull.max_age, in seconds",
    "cull.minutes": "cull.timeout, in seconds",
    "gateway.backend": "gateway.kind",
    "gateway.environment_names": "gateway.backend.environment_names",
    "gateway.extra_config": "gateway.extra_config_folder",
    "gateway.kubernetes": "gateway.backend",
    "hub.concurrent_spawns": "hub.concurrent_spawn_limit",
    "hub.db_url": "hub.db.url",
    "hub.db_url_secret": "hub.db.url_secret",
    "hub.extra_config": "hub.extra_config_folder",
    "hub.named_server_limit": "hub.named_server_limit_per_user",
    "hub.roles": "hub.load_roles",
    "hub.upgrade_db": "hub.db.upgrade",
    "spawner.environment": "singleuser.extra_env",
    "spawner.http_timeout": "singleuser.http_timeout",
    "spawner.kubernetes": "singleuser",
    "spawner.start_timeout": "singleuser.start_timeout",
}
"""Names of settings files from before the chart's layout was theirs, and what they are now."""


def explain(error: ValidationError, model: type[BaseModel], values: Any) -> list[str]:
    """Return one line per problem.

    Parameters
    ----------
    error
        What pydantic raised.
    model
        The model that was validated.
    values
        What was given: keys are named as they stand there.
    """
    return [_line(dict(result), model, values) for result in error.errors(include_input=False)]


def _line(found: dict[str, Any], model: type[BaseModel], values: Any) -> str:
    location: Location = found["loc"]
    key = ".".join(_as_written(location, values)) or "settings"
    if found["type"] in ("extra_forbidden", "model_type") and key in MOVED:
        return f"  {key}: it is {MOVED[key]} now"
    if found["type"] == "extra_forbidden":
        known = _names(_model_at(model, location[:-1]), like=str(location[-1]))
        advice = near(str(location[-1]), known, count=1) or "known here: " + ", ".join(known)
        return f"  {key}: there is no such setting; {advice}"
    return f"  {key}: {found['msg'].removeprefix('Value error, ')}"


def _as_written(location: Location, values: Any) -> Iterator[str]:
    """Yield the keys of a place as the file spells them; pydantic tells the chart's spelling."""
    for part in location:
        if part == "[key]":
            continue
        held = values if isinstance(values, Mapping) else {}
        same = (key for key in held if key == part or spelled(str(key)) == part)
        written = next(same, part)
        yield str(written)
        values = held.get(written)


def _names(model: type[BaseModel], like: str) -> list[str]:
    """Return the names that there are, in the spelling of one that there is not."""
    fields = model.model_fields
    if "_" in like:
        return sorted(fields)
    return sorted(field.alias or name for name, field in fields.items())


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """Follow a path of keys; a name in a map and a place in a list lead to what these hold."""
    held: Any = model
    for part in location:
        if get_origin(held) is dict:
            held = _inside(get_args(held)[1])
        elif not isinstance(part, int):
            fields = held.model_fields.items()
            held = _inside(next(f.annotation for name, f in fields if part in (name, f.alias)))
    assert isinstance(held, type)
    assert issubclass(held, BaseModel)
    return held


def _inside(annotation: Any) -> Any:
    """Return the model or the map that an annotation stands for, also where it is optional or a list."""
    if get_origin(annotation) is dict or (
        isinstance(annotation, type) and issubclass(annotation, BaseModel)
    ):
        return annotation
    inner = (_inside(argument) for argument in get_args(annotation))
    return next((held for held in inner if held is not None), None)

"""What a user may choose on the spawn page, and what else is refused, however it was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from geodes_datalab.errors import near
from geodes_datalab.hub import images
from geodes_datalab.hub.person import Person
from geodes_datalab.hub.pods import gib, literal
from geodes_datalab.settings import (
    Option,
    Overrides,
    Profile,
    Singleuser,
)

UNLISTED = "--unlisted-choice"
"""What KubeSpawner adds to an option's name for a value that the user typed."""

IMAGE = "image"
"""Name of the option in which users name an image."""

Offer = dict[str, Any]
"""A profile as KubeSpawner wants it."""


class Refusal(Exception):
    """A choice that is not this person's to make."""

    def __init__(self, message: str, status: int) -> None:
        self.message = message
        self.status = status
        super().__init__(message)


def offered(user: Singleuser, person: Person) -> list[Offer]:
    """Return the profiles that a person may choose from.

    Parameters
    ----------
    user
        Settings with the profiles.
    person
        Who asks.

    Raises
    ------
    Refusal
        There are profiles, but none for this person.
    """
    free = user.other_image.enabled and person.sees(user.other_image)
    profiles = {name: p for name, p in sorted(user.profiles.items()) if person.sees(p)}
    if user.profiles and not profiles:
        raise Refusal("No kind of server is offered to you: ask an administrator for a group", 403)
    if not profiles and free:
        profiles = {"standard": Profile(display_name="Standard")}
    return [_offer(name, profile, user, person, free=free) for name, profile in profiles.items()]


def check(options: Mapping[str, Any], offers: list[Offer], patterns: tuple[str, ...]) -> None:
    """Check what was asked for, by the form, by an address or by the API.

    Parameters
    ----------
    options
        The hub's ``user_options``: anything that somebody sent.
    offers
        What this person may choose from.
    patterns
        Images that may be named.

    Raises
    ------
    Refusal
        Something unknown, or not offered to this person.
    """
    if not all(isinstance(value, str) for value in options.values()):
        raise Refusal("Options of a server are texts: {name: text}", 400)
    offer = _chosen(options, offers)
    known = {} if offer is None else offer["profile_options"]
    for key, value in options.items():
        if key != "profile":
            _check_option(key, value, known, patterns)


def _chosen(options: Mapping[str, Any], offers: list[Offer]) -> Offer | None:
    name = options.get("profile")
    if not offers:
        if name:
            raise Refusal("This datalab has no profiles to choose from: leave `profile` out", 400)
        return None
    if not name:
        return next((offer for offer in offers if offer.get("default")), offers[0])
    result = next((offer for offer in offers if offer["slug"] == name), None)
    if result is None:
        slugs = [offer["slug"] for offer in offers]
        raise Refusal(_unknown("profile", name, slugs), 403)
    return result


def _check_option(
    key: str, value: str, known: Mapping[str, Any], patterns: tuple[str, ...]
) -> None:
    name = key.removesuffix(UNLISTED)
    option = known.get(name)
    if option is None:
        raise Refusal(_unknown("option", name, sorted(known)), 400)
    if key == name:
        if value and value not in option["choices"]:
            raise Refusal(_unknown(f"choice of {name}", value, sorted(option["choices"])), 403)
    elif not option.get("unlisted_choice", {}).get("enabled"):
        raise Refusal(f"The option {name} takes no other value than the ones offered", 403)
    elif not images.well_formed(value):
        raise Refusal(f"{value[:80]!r} is not the name of an image: registry/name:tag", 400)
    elif not images.permitted(value, patterns):
        shown = ", ".join(patterns)
        raise Refusal(f"The image {value} is not allowed here; allowed are: {shown}", 403)


def _unknown(what: str, name: str, offered: list[str]) -> str:
    advice = near(name[:80], offered, count=1) or (
        "offered to you: " + ", ".join(offered) if offered else "none is offered to you"
    )
    return f"The {what} {name[:80]!r} is not offered to you; {advice}"


def _offer(name: str, profile: Profile, user: Singleuser, person: Person, *, free: bool) -> Offer:
    options = dict(_options(profile, user, person))
    if free:
        options[IMAGE] = _with_free_choice(options.get(IMAGE), user)
    return {
        "slug": name,
        "display_name": profile.display_name or name,
        "description": profile.description,
        "default": profile.default,
        "kubespawner_override": _traits(profile, user),
        "profile_options": options,
    }


def _options(
    profile: Profile, user: Singleuser, person: Person
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in sorted(profile.options.items()):
        choices = dict(_choices(option, user, person))
        if person.sees(option) and choices:
            yield name, {"display_name": option.display_name or name, "choices": choices}


def _choices(
    option: Option, user: Singleuser, person: Person
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, choice in sorted(option.choices.items()):
        if person.sees(choice):
            yield (
                name,
                {
                    "display_name": choice.display_name or name,
                    "default": choice.default,
                    "kubespawner_override": _traits(choice, user),
                },
            )


def _with_free_choice(option: dict[str, Any] | None, user: Singleuser) -> dict[str, Any]:
    standard = {"standard": {"display_name": "Standard", "default": True}}
    patterns = user.patterns
    return {
        **(option or {"display_name": "Image", "choices": standard}),
        "unlisted_choice": {
            "enabled": True,
            "display_name": "Image",
            "display_name_in_choices": "Another image ...",
            "validation_regex": images.expression(patterns),
            "validation_message": "Allowed: " + ", ".join(patterns),
            "kubespawner_override": {"image": "{value}"},
        },
    }


def _traits(overrides: Overrides, user: Singleuser) -> dict[str, Any]:
    """Return KubeSpawner's traits for what a profile or a choice says."""
    cpu, memory = overrides.cpu, overrides.memory
    amounts = (memory.guarantee_gib, memory.limit_gib)
    guarantee, limit = (None if amount is None else gib(amount) for amount in amounts)
    gpus = None if overrides.gpu is None else {user.gpu_resource: str(overrides.gpu)}
    taints = overrides.tolerations
    result = {
        "image": overrides.image,
        "cpu_guarantee": cpu.guarantee,
        "cpu_limit": cpu.limit,
        "mem_guarantee": guarantee,
        "mem_limit": limit,
        "shared_memory_gib": memory.shared_gib,
        "extra_resource_limits": gpus,
        "extra_resource_guarantees": gpus,
        "environment": literal(overrides.extra_env) or None,
        "node_selector": dict(overrides.node_selector) or None,
        "tolerations": None if taints is None else [taint.plain() for taint in taints],
    }
    return {trait: value for trait, value in result.items() if value is not None}

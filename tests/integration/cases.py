"""Bad input and bad luck: what the user typed or met, and the call that meets it."""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import geodes_datalab as gd
from geodes_datalab import errors

PLACE = (-67.66, -47.862, -67.63, -47.85)
L1C, L2A = "PEPS_S2_L1C", "THEIA_REFLECTANCE_SENTINEL2_L2A"


@dataclass(frozen=True)
class World:
    """A stand-in GEODES and a folder for one case."""

    geodes: Any
    folder: Path
    closed_port: int
    """Where nobody answers."""

    def items(self, collection: str = L2A, datetime: str = "2021-12", **more: Any) -> Any:
        """Find what the sample catalogue has at its place."""
        return gd.search(collection, **{"bbox": PLACE, "datetime": datetime, **more})

    def fetch(self, **search: Any) -> Any:
        """Download what was found."""
        return gd.download(self.items(**search), self.folder / "products")

    def read(self, **search: Any) -> Any:
        """Load what was found, and compute it."""
        return gd.load(self.items(**search), ["red"]).compute()


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    call: Callable[[World], Any]
    error: type[errors.GeodesError]
    before: Callable[[World], Any] = field(default=lambda _: None)
    """What goes wrong first."""


def _item(href: str) -> dict[str, Any]:
    """Return an item of another catalogue, with one file."""
    asset = {"href": href, "type": "image/tiff", "roles": ["data"]}
    when = {"datetime": "2024-05-03T10:30:00Z"}
    return {"type": "Feature", "id": "one", "collection": "other", "properties": when,
            "geometry": None, "links": [], "assets": {"red": asset}}  # fmt: skip


def _wrong_key(_: World) -> None:
    os.environ["GEODES_API_KEY"] = "not-the-key"


def _no_key(_: World) -> None:
    del os.environ["GEODES_API_KEY"]


def _no_quota(world: World) -> None:
    world.geodes.set_quota(0)


def _down(world: World) -> None:
    world.geodes.faults.down()


def _cut(world: World) -> None:
    world.geodes.faults.cut("download", times=-1)


def _nobody(world: World) -> None:
    os.environ["GEODES_PORTAL"] = f"http://127.0.0.1:{world.closed_port}"


def _on_full_disk(world: World) -> Any:
    """Download to a disk that tells, once it is to keep the bytes, that it is full."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch("os.fsync", side_effect=full):
        return gd.download(world.items(), world.folder / "products")


def _into_a_file(world: World) -> Any:
    (world.folder / "products").write_text("not a folder")
    return world.fetch()


CASES = [
    Case("no key, downloading", World.fetch, errors.AuthenticationError, _no_key),
    Case("wrong key, logging in", lambda _: gd.login("not-the-key"), errors.AuthenticationError),
    Case("wrong key, downloading", World.fetch, errors.AuthenticationError, _wrong_key),
    Case("wrong key, loading", World.read, errors.AuthenticationError, _wrong_key),
    Case("a key with a space in it", lambda _: gd.login("two words"), errors.ConfigurationError),
    Case("quota used up, downloading", World.fetch, errors.QuotaError, _no_quota),
    Case("quota used up, loading", World.read, errors.QuotaError, _no_quota),
    Case("unknown collection", lambda _: gd.search("PEPS_S2_L1"), errors.UnknownCollection),
    Case(
        "collection under its old name",
        lambda _: gd.search("MUSCATE_SENTINEL2_SENTINEL2_L2A"),
        errors.UnknownCollection,
    ),
    Case(
        "unknown property",
        lambda _: gd.search(L2A, query={"eo:cloudcover": {"lte": 10}}),
        errors.UnknownProperty,
    ),
    Case(
        "unknown operator",
        lambda _: gd.search(L2A, query={"eo:cloud_cover": {"<=": 10}}),
        errors.InvalidQuery,
    ),
    Case(
        "text where a number belongs",
        lambda _: gd.search(L2A, query={"eo:cloud_cover": {"lte": "few"}}),
        errors.InvalidQuery,
    ),
    Case("unknown band", lambda w: gd.load(w.items(), ["rd"]), errors.UnknownBand),
    Case(
        "latitude and longitude swapped",
        lambda _: gd.search(L2A, bbox=(43.5, 101, 43.6, 102)),
        errors.InvalidQuery,
    ),
    Case(
        "box upside down",
        lambda _: gd.search(L2A, bbox=(1.3, 43.6, 1.5, 43.5)),
        errors.InvalidQuery,
    ),
    Case(
        "dates reversed", lambda _: gd.search(L2A, datetime="2024-05/2024-01"), errors.InvalidQuery
    ),
    Case("a date in words", lambda _: gd.search(L2A, datetime="yesterday"), errors.InvalidQuery),
    Case("an empty list of ids", lambda _: gd.search(L2A, ids=[]), errors.InvalidInput),
    Case("a missing time", lambda _: gd.search(L2A, datetime=float("nan")), errors.InvalidInput),
    Case("a table without places", lambda _: gd.search(L2A, geometry={}), errors.InvalidInput),
    Case(
        "an item whose file is not said where",
        lambda _: gd.load(_item("B4.tif")),
        errors.AddressError,
    ),
    Case(
        "an item in an object store",
        lambda _: gd.load(_item("s3://eodata/B4.tif")),
        errors.AddressError,
    ),
    Case("nothing found, loading", lambda w: w.read(datetime="1999"), errors.CubeError),
    Case(
        "area beside the products",
        lambda w: gd.load(w.items(), bbox=(0, 0, 1, 1)),
        errors.CubeError,
    ),
    Case(
        "products of two UTM zones",
        lambda w: w.read(collection=L1C, bbox=(-68, -48, -60, -45), datetime="2022-04/2022-05"),
        errors.CubeError,
    ),
    Case(
        "product on tape, loading",
        lambda w: w.read(collection=L1C, datetime="2022-06"),
        errors.ProductOffline,
    ),
    Case(
        "product on tape, downloading",
        lambda w: w.fetch(collection=L1C, datetime="2022-06"),
        errors.ProductOffline,
    ),
    Case("disk full, downloading", _on_full_disk, errors.StorageError),
    Case("a file where the folder should be", _into_a_file, errors.StorageError),
    Case("transfer broken off again and again", World.fetch, errors.RemoteError, _cut),
    Case("catalogue down", World.items, errors.ServiceError, _down),
    Case("catalogue unreachable", World.items, errors.ServiceError, _nobody),
]


@dataclass(frozen=True)
class Kindness:
    """Input that looks bad and works; ``says`` is what the user reads, if anything."""

    name: str
    call: Callable[[World], Any]
    works: Callable[[Any], bool]
    says: str = ""


def _across(world: World) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return gd.search(L2A, bbox=(170, -50, -60, -40), datetime="2021-12")


def _broken_off(world: World) -> Any:
    world.geodes.faults.truncate()
    return world.fetch()


def _without_ranges(world: World) -> Any:
    world.geodes.settings.ranges = "off"
    return world.read()


KINDNESSES = [
    Kindness("box across the antimeridian (west > east)", _across, lambda items: len(items) == 1),
    Kindness(
        "dates without a time zone (taken as UTC)",
        lambda w: w.items(datetime=("2021-12-09T14:20:00", "2021-12-09T14:21:00")),
        lambda items: len(items) == 1,
    ),
    Kindness(
        "transfer broken off once (resumed, verified)", _broken_off, lambda paths: len(paths) == 1
    ),
    Kindness("nothing found", lambda w: w.items(datetime="1999"), lambda items: len(items) == 0),
    Kindness(
        "server without ranges, loading",
        _without_ranges,
        lambda cube: float(cube["red"].mean()) > 0,
        "the server cannot send parts of an archive: whole archives are downloaded",
    ),
]

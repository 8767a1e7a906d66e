"""A folder of results: who may see what, one change at a time, and valid whatever breaks off.

Data are written beside it first. Then, under a lock: data, item, table of items (``items.parquet``), collection,
each put in its place as a whole. Data lie in folders named after their content, so that what is replaced stays
readable until the item that names it is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from geodes_datalab._types import Json
from geodes_datalab._whole import whole
from geodes_datalab.errors import PublishError, StorageError
from geodes_datalab.results.describing import CONTENT, VISIBILITY
from geodes_datalab.results.pieces import safe
from geodes_datalab.stac.dialects.static import COLLECTION, TABLE, read_json
from geodes_datalab.stac.items.tables import read_parquet, write_parquet

Visibility: TypeAlias = Literal["private", "group", "public"]

FOLDERS: Mapping[str, int] = {"private": 0o700, "group": 0o750, "public": 0o755}
FILES: Mapping[str, int] = {"private": 0o600, "group": 0o640, "public": 0o644}
"""Permissions: who sees results is decided by the disk, not by this package."""

_BEGUN = ".begun.json"
"""Which items are being put in their places: still there where a process was killed at it."""

_PATIENCE = 60.0
"""Seconds to wait for another process that changes the same collection."""


def user() -> str:
    """Return whose results they are: the name at the hub, or of the account."""
    name = os.environ.get("JUPYTERHUB_USER")
    if not name:
        with suppress(KeyError):
            name = pwd.getpwuid(os.geteuid()).pw_name
    return safe(name or str(os.geteuid()), "folder for a user's results")


@dataclass(frozen=True)
class Shelf:
    """The folder of one collection."""

    place: Path
    owner: str
    collection: str

    @property
    def home(self) -> Path:
        """Folder of all results of the user."""
        return self.place / self.owner

    @property
    def folder(self) -> Path:
        """Folder of the collection."""
        return self.home / self.collection

    def prepare(self) -> None:
        """Make the user's folder; refuse one that another account has made.

        Raises
        ------
        StorageError
            It cannot be made, or is somebody else's.
        """
        try:
            self.place.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                self.home.mkdir(mode=0o700)
            theirs = self.home.is_symlink() or self.home.stat().st_uid != os.geteuid()
            writable = os.access(self.home, os.W_OK | os.X_OK)
        except OSError as error:
            raise StorageError(
                f"results cannot be published in {self.place}: {error.strerror}",
                "give place=, or set GEODES_RESULTS, to a folder in which you may write",
            ) from error
        if theirs or not writable:
            raise StorageError(
                f"{self.home} belongs to another account",
                "give another place=, or ask whoever runs this machine",
            )

    def told(self) -> Json | None:
        """Return the collection as it is; None where there is none."""
        path = self.folder / COLLECTION
        return read_json(path) if path.exists() else None

    def items(self) -> dict[str, Json]:
        """Return the items by id, with addresses relative to the collection's folder."""
        path = self.folder / TABLE
        return {str(one["id"]): one for one in read_parquet(path)} if path.exists() else {}

    def begun(self) -> list[Json]:
        """Return the items that a process was putting in their places when it was killed, as far as it came.

        Their data and their own files are complete: they belong into the table as well.
        """
        path = self.folder / _BEGUN
        ids = read_json(path)["items"] if path.exists() else []
        files = [self.folder / safe(one, "name of an item") / f"{one}.json" for one in ids]
        return [read_json(one) for one in files if one.exists()]

    def lay(
        self, items: Sequence[Json], files: Mapping[str, Mapping[str, Path]], collection: Json,
        rows: Sequence[Json],
    ) -> None:  # fmt: skip
        """Put items in their places: data, item, table, collection.

        Parameters
        ----------
        items
            What is new, or replaces others.
        files
            Their files, by item and by asset.
        collection
            As it is with them.
        rows
            All items of the collection from now on.

        Raises
        ------
        PublishError
            They do not fit into one table; nothing was changed.
        """
        visibility = str(collection[VISIBILITY])
        self.folder.mkdir(mode=0o700, exist_ok=True)
        remove_unfinished(self.folder)
        begun = self._with_begun(one["id"] for one in items)
        with whole([self.folder / TABLE], overwrite=True) as (table,):
            _tabled(rows, table, self.collection)
            table.chmod(FILES[visibility])
            put_json(self.folder / _BEGUN, {"id": self.collection, "items": begun}, 0o600)
            for item in items:
                self._lay_item(item, files[item["id"]], visibility)
        self.lay_collection(collection)
        kept = {str(one["id"]): str(one["properties"][CONTENT])[:16] for one in rows}
        for one in begun:
            self._remove_former(one, kept.get(one))
        (self.folder / _BEGUN).unlink()

    def _with_begun(self, ids: Iterable[str]) -> list[str]:
        """Return ids together with those that a killed process left."""
        path = self.folder / _BEGUN
        return sorted({*ids, *(read_json(path)["items"] if path.exists() else ())})

    def lay_collection(self, collection: Json) -> None:
        """Put the collection in its place, and let those in who may see it."""
        visibility = str(collection[VISIBILITY])
        put_json(self.folder / COLLECTION, collection, FILES[visibility])
        self.folder.chmod(FOLDERS[visibility])

    def relabel(self, visibility: str, ids: Collection[str]) -> None:
        """Let all files of the collection be seen by others, or not, and say so in the items."""
        begun = {"id": self.collection, "items": self._with_begun(ids)}
        put_json(self.folder / _BEGUN, begun, 0o600)
        for one in ids:
            remove_unfinished(self.folder / one)
            path = self.folder / one / f"{one}.json"
            told = read_json(path)
            told["properties"][VISIBILITY] = visibility
            put_json(path, told, FILES[visibility])
        for root, folders, names in os.walk(self.folder):
            for one in folders:
                Path(root, one).chmod(FOLDERS[visibility])
            for one in names:
                Path(root, one).chmod(FILES[visibility])

    def _lay_item(self, item: Json, files: Mapping[str, Path], visibility: str) -> None:
        folder = self.folder / item["id"]
        data = folder / item["properties"][CONTENT][:16]
        for one in (folder, data):
            one.mkdir(mode=0o700, exist_ok=True)
            one.chmod(FOLDERS[visibility])
        for path in files.values():
            path.chmod(FILES[visibility])
            path.replace(data / path.name)
        put_json(folder / f"{item['id']}.json", item, FILES[visibility])

    def _remove_former(self, name: str, kept: str | None) -> None:
        """Remove data of an item that nothing names any more: of what it replaces, or of what broke off."""
        folder = self.folder / safe(name, "name of an item")
        for one in folder.iterdir() if folder.is_dir() else ():
            if one.is_dir() and one.name != kept:
                shutil.rmtree(one, ignore_errors=True)

    def remove_items(self, ids: Iterable[str], collection: Json, rows: Sequence[Json]) -> None:
        """Remove some items: the collection and its table forget them before their files go."""
        visibility = str(collection[VISIBILITY])
        self.lay_collection(collection)
        with whole([self.folder / TABLE], overwrite=True) as (table,):
            _tabled(rows, table, self.collection)
            table.chmod(FILES[visibility])
        (self.folder / _BEGUN).unlink(missing_ok=True)
        for one in ids:
            shutil.rmtree(self.folder / safe(one, "name of an item"), ignore_errors=True)

    def remove(self) -> None:
        """Remove the whole collection: it is gone at once, its files a little later."""
        away = self.home / f".removing-{self.collection}-{time.monotonic_ns()}"
        self.folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the collection meanwhile.

        Raises
        ------
        PublishError
            Another process does so for a minute.
        """
        with locked(self.home / f".{self.collection}.lock"):
            yield


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes left; whoever holds the folder's lock writes there alone."""
    for pattern in (".saving-*", ".removing-*"):
        for left in folder.glob(pattern):
            shutil.rmtree(left, ignore_errors=True)


def own_collections(home: Path) -> Iterator[Path]:
    """Yield the folders of a user's collections, in the order of their names."""
    yield from (path.parent for path in sorted(home.glob(f"[!.]*/{COLLECTION}")))


@contextmanager
def locked(path: Path, mode: int = 0o600) -> Iterator[None]:
    """Hold a lock that one process has at a time.

    Parameters
    ----------
    path
        File that stands for it.
    mode
        Permissions of that file: who may hold the lock.

    Raises
    ------
    PublishError
        Another one has it for a minute.
    """
    handle = _lock_file(path, mode)
    try:
        until = time.monotonic() + _PATIENCE
        while not _taken(handle):
            if time.monotonic() > until:
                raise PublishError(
                    f"another process is publishing there: it holds {path}",
                    "try again in a minute; if no other is left, delete that file",
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _lock_file(path: Path, mode: int) -> int:
    """Open a lock; in a folder that all may write to, Linux opens others' files only where none is to be made."""
    try:
        return os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, mode)
        os.fchmod(handle, mode)
        return handle


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def put_json(path: Path, told: Json, mode: int) -> None:
    """Write a JSON file as a whole; one that says the same already stays as it is."""
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        return
    with whole([path], overwrite=True) as (temporary,):
        temporary.write_text(text, "utf-8")
        temporary.chmod(mode)


def _tabled(rows: Sequence[Json], path: Path, collection: str) -> None:
    import pyarrow as pa

    try:
        write_parquet(list(rows), path)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise PublishError(
            f"the items of {collection} do not fit into one table: {error}",
            "publish what is of another kind (other types, other numbers for what is missing) as another collection",
        ) from error

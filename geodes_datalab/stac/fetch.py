"""The verb `download`."""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from geodes_datalab._display import progress as progress_bar
from geodes_datalab._display import size as size_text
from geodes_datalab._http import Client
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.config import Config, load
from geodes_datalab.errors import (
    AuthenticationError,
    ChecksumError,
    GeodesError,
    IncompleteResult,
    InvalidQuery,
    ProductOffline,
    QuotaError,
    RemoteError,
    RequestError,
    StorageError,
    near,
)
from geodes_datalab.stac.account import quota
from geodes_datalab.stac.downloads.job import Job, Occupied, Stopped, Watch
from geodes_datalab.stac.downloads.naming import File, product_of
from geodes_datalab.stac.downloads.standing import Standing, placed
from geodes_datalab.stac.downloads.transfer import transfer
from geodes_datalab.stac.items.addresses import downloadable
from geodes_datalab.stac.items.assets import data_asset
from geodes_datalab.stac.items.held import ItemsLike, as_dicts
from geodes_datalab.stac.online import ask
from geodes_datalab.stac.settings import settings_of

MOST_WORKERS = 8
"""Files at a time, at most: the archive is shared."""

QUOTA_PAUSE = 300.0
"""Seconds between two questions whether there is quota again, which cost none."""


def download(
    items: ItemsLike,
    folder: str | PathLike[str] = ".",
    *,
    assets: str | Iterable[str] | None = None,
    overwrite: bool = False,
    workers: int = 2,
    wait: float = 0.0,
    catalogue: str | Config | None = None,
    progress: bool | None = None,
) -> list[Path]:
    """Download the files of items: verified, resumed after interruptions, whole or not at all.

    Files that are there and right are not fetched again, so running the same line again gets what
    is missing. Before the first byte, the archive is asked what is on tape, and the disk for space.

    Parameters
    ----------
    items
        What to download, in any form that `geodes_datalab.load` takes.
    folder
        Where to; made where it does not exist.
    assets
        Keys of the files wanted, such as ``"quicklook"``, or ``"all"``; by default the data file.
    overwrite
        Whether to fetch files again that are there and right.
    workers
        Files at a time, 1 to 8.
    wait
        Seconds to wait, at most, where this hour's quota is used up, before giving up; 4000 outlasts
        the hour. Meanwhile the portal is asked every five minutes.
    catalogue
        See `geodes_datalab.search`.
    progress
        Whether to show a progress bar; by default in notebooks and terminals.

    Returns
    -------
    list of pathlib.Path
        The files, in the order of the items.

    Raises
    ------
    ProductOffline
        Some products lie on tape; the text names them. The others were downloaded; a warning
        (`IncompleteResult`) has told so before the first byte.
    QuotaError
        This hour's products are used up; the text says what is done.
    AuthenticationError, ServiceError
        No or a wrong key; the archive does not answer.
    ChecksumError, RequestError
        A file came damaged twice, or is refused; the others were downloaded.
    StorageError
        There is not enough space, or the folder may not be written; nothing half-written is left.

    Notes
    -----
    After Ctrl-C, a broken connection or a killed process, what was received stays in ``*.part`` and is
    gone on with, as far as the server sends parts of files. Several processes may download the same
    files into one folder: each file is fetched by one of them.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise InvalidQuery(
            f"workers={workers} must be from 1 to {MOST_WORKERS}", "leave workers out"
        )
    dicts = as_dicts(items)
    jobs = _planned(dicts, Path(folder), assets)
    missing = [job for job in jobs if overwrite or not job.there]
    config = load() if catalogue is None else settings_of(catalogue)
    with Client(config) as client:
        offline = _offline(dicts, missing, client)
        ready = [job for job in missing if job.item_id not in offline]
        _refuse_full_disk(ready, Path(folder))
        if offline and ready:
            _warn_of_tape(_not_in(ready, missing), jobs)
        failure = _patiently(
            ready, client, partial(_fetched, workers=workers, progress=progress), wait
        )
    if isinstance(failure, Occupied) and _others(jobs, _planned(dicts, Path(folder), assets)):
        return download(
            dicts, folder, assets=assets, overwrite=overwrite, workers=workers, wait=wait,
            catalogue=config, progress=progress,
        )  # fmt: skip
    if failure:
        raise _told(failure, jobs, Path(folder))
    if offline:
        raise _on_tape(_not_in(ready, missing), jobs)
    return [job.path for job in jobs]


def _not_in(ready: list[Job], missing: list[Job]) -> list[Job]:
    return [job for job in missing if job not in ready]


def _others(jobs: list[Job], again: list[Job]) -> bool:
    """Tell whether files get other names now: another process has put something in their place."""
    return [job.path for job in jobs] != [job.path for job in again]


def _patiently(
    jobs: list[Job],
    client: Client,
    fetch: Callable[[list[Job], Client], GeodesError | None],
    seconds: float,
) -> GeodesError | None:
    """Fetch files; where the quota ends, go on with the others once there is some again."""
    until = time.monotonic() + seconds
    failure = fetch(jobs, client)
    while isinstance(failure, QuotaError) and _renewed(client, until):
        failure = fetch([item for item in jobs if not item.complete()], client)
    return failure


def _renewed(client: Client, until: float) -> bool:
    """Wait until there is quota again, or not any longer."""
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(QUOTA_PAUSE, left))
        if not quota(config=client.config).exhausted:
            return True
    return False


def _planned(dicts: list[Json], folder: Path, assets: str | Iterable[str] | None) -> list[Job]:
    """Decide what to fetch, and under which names; what has one address is one file."""
    wanted = {asset["href"]: File(item, asset) for item in dicts for asset in _chosen(item, assets)}
    files = list(wanted.values())
    chosen = placed(files, folder)
    return [
        Job(
            file=file,
            href=downloadable(file.asset, file.product),
            folder=folder,
            level=level,
            there=result is Standing.WHOLE,
        )
        for file, (level, result) in zip(files, chosen, strict=True)
    ]


def _chosen(item: Json, assets: str | Iterable[str] | None) -> Iterator[Json]:
    if assets is None:
        yield data_asset(item)[1]
        return
    if assets == "all":
        yield from item["assets"].values()
        return
    for key in [assets] if isinstance(assets, str) else assets:
        if key not in item["assets"]:
            hint = near(key, item["assets"]) or "its files are: " + ", ".join(item["assets"])
            raise InvalidQuery(f'{product_of(item)} has no file "{key}"', hint)
        yield item["assets"][key]


def _offline(dicts: list[Json], missing: list[Job], client: Client) -> set[str]:
    """Ask the archive about the data files that are still to be fetched."""
    hrefs = {job.href for job in missing}
    concerned = [
        item
        for item in dicts
        if any(asset["href"] in hrefs and _is_data(asset) for asset in item["assets"].values())
    ]
    return (
        {name for name, online in ask(concerned, client).items() if not online}
        if concerned
        else set()
    )


def _is_data(asset: Json) -> bool:
    return "data" in (asset.get("roles") or ())


def _refuse_full_disk(jobs: list[Job], folder: Path) -> None:
    needed = sum(max((job.size or 0) - job.received(), 0) for job in jobs)
    place = next(item for item in (folder, *folder.absolute().parents) if item.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise StorageError(
            f"the download needs {size_text(needed)}, but {folder} has {size_text(free)} left; nothing was fetched",
            "free some space, give another folder, or download fewer products",
        )


def _fetched(
    jobs: list[Job], client: Client, workers: int, progress: bool | None
) -> GeodesError | None:
    """Fetch all files, and return what failed first; one file's fault does not stop the others."""
    total = sum(job.size or 0 for job in jobs)
    bar = progress_bar(
        total=total, label=gettext("downloading"), unit="B", enabled=progress if jobs else False
    )
    watch = Watch(bar.update)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="geodes-download")
    futures = [pool.submit(_guarded, job, client, watch) for job in jobs]
    try:
        wait(futures)
    except BaseException:  # Ctrl-C: let the transfers end at their next chunk
        watch.stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        bar.close()
    return _first_failure(futures, jobs)


def _guarded(job: Job, client: Client, watch: Watch) -> GeodesError | None:
    """Fetch one file; after a failure that will hit every other file too, none is begun.

    Those that are on their way come whole, for the archive has counted them; where the disk is full or
    nobody answers, they end as well.
    """
    if watch.stop.is_set() or watch.refused.is_set():
        return None
    try:
        transfer(job, client, watch)
    except Stopped:
        return None
    except (ChecksumError, Occupied, RequestError) as error:
        return error
    except (AuthenticationError, QuotaError) as error:
        watch.refused.set()
        return error
    except GeodesError as error:
        watch.stop.set()
        return error
    return None


def _first_failure(
    futures: list[Future[GeodesError | None]], jobs: list[Job]
) -> GeodesError | None:
    failures = [failure for future in futures if (failure := future.result()) is not None]
    full = next((failure for failure in failures if isinstance(failure, StorageError)), None)
    if full:
        for job in jobs:
            with suppress(OSError):
                job.part.unlink()
    decisive = (
        failure
        for failure in failures
        if not isinstance(failure, ChecksumError | Occupied | RequestError)
    )
    return full or next(decisive, failures[0] if failures else None)


def _told(failure: GeodesError, jobs: list[Job], folder: Path) -> GeodesError:
    """Add to a failure what is done so far, and that running again goes on from there."""
    done = sum(job.path.is_file() for job in jobs)
    message = f"{failure.message}; {done} of {len(jobs)} files are complete in {folder}"
    hint = f"{failure.hint or 'run the same line again'} (running it again fetches only what is missing)"
    told: Any = type(failure)
    if isinstance(failure, RemoteError):
        return _caused(told(message, hint, status=failure.status), failure)
    return _caused(told(message, hint), failure)


def _caused(error: GeodesError, cause: GeodesError) -> GeodesError:
    error.__cause__ = cause
    return error


def _tape(offline: list[Job], jobs: list[Job]) -> str:
    names = ", ".join(job.product for job in offline[:5]) + (", ..." if len(offline) > 5 else "")
    return f"{len(offline)} of {len(jobs)} products lie on tape: {names}"


def _warn_of_tape(offline: list[Job], jobs: list[Job]) -> None:
    others = len(jobs) - len(offline)
    told = f"{_tape(offline, jobs)}; the other {others} are downloaded now"
    warnings.warn(told, IncompleteResult, stacklevel=3)


def _on_tape(offline: list[Job], jobs: list[Job]) -> ProductOffline:
    done = len(jobs) - len(offline)
    rest = f"; the other {done} are downloaded" if done else ""
    return ProductOffline(
        _tape(offline, jobs) + rest,
        "ask for them in the portal and run the same line again later, or leave them out: "
        "stac.availability(items) tells which ones can be downloaded now",
    )

"""What the accounts of the centre have running on this machine, which plays all of its nodes."""

from __future__ import annotations

from collections.abc import Iterator

import psutil


def owned(uid: int) -> Iterator[psutil.Process]:
    """Yield the processes of an account."""
    for one in psutil.process_iter(["uids", "cmdline"]):
        if one.info["uids"] is not None and one.info["uids"].real == uid:
            yield one


def listening(uid: int) -> set[str]:
    """Return the addresses that an account's processes listen on."""
    found = [one.net_connections("tcp") for one in owned(uid)]
    return {one.laddr.ip for some in found for one in some if one.status == psutil.CONN_LISTEN}


def of_dask(uid: int) -> list[dict[str, str]]:
    """Return the environment of each process of an account that runs Dask."""
    found = []
    for one in owned(uid):
        if "dask" in (one.info["cmdline"] or []):
            try:
                found.append(one.environ())
            except psutil.Error:  # it ended meanwhile
                continue
    return [one for one in found if one]  # that of a process is empty while it ends

"""Does a part answer? Plain requests to this machine, with nothing in them.

These are the only requests that do not go through ``geodes_datalab._http``: they never leave the
machine, carry no key, and must not retry.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit


async def answers(url: str, seconds: float = 5.0) -> bool:
    """Tell whether a listener answers.

    Parameters
    ----------
    url
        ``http://...``: it must answer below 400; ``tcp://host:port``: it must accept a connection.
    seconds
        How long to wait for the answer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _ask(url)
    except (OSError, TimeoutError, ValueError, EOFError):
        return False


async def until_answers(url: str) -> None:
    """Wait for a listener that another program starts."""
    while not await answers(url):  # noqa: ASYNC110  # another program sets no event
        await asyncio.sleep(0.1)


async def _ask(url: str) -> bool:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        if parts.scheme == "tcp":
            return True
        request = (
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        )
        writer.write(f"{request}\r\n".encode())
        await writer.drain()
        status = (await reader.readline()).split()
        return 200 <= int(status[1]) < 400 if len(status) > 1 else False
    finally:
        writer.close()

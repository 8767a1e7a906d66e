"""Command line: ``python -m geodes_datalab.standin``."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from geodes_datalab.errors import GeodesError
from geodes_datalab.standin import PROFILES, Catalogue, Settings, create_app
from geodes_datalab.standin.accounts import new_key
from geodes_datalab.standin.app import DEFAULT_QUOTA
from geodes_datalab.standin.samples.build import default_cache
from geodes_datalab.standin.server import bind, configuration


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C (or SIGTERM), and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        key, key_file = _key(options)
        catalogue = Catalogue.samples(options.cache) + Catalogue.missions(options.cache)
        if options.bulk:
            catalogue = catalogue + Catalogue.bulk(options.bulk)
        settings = Settings(
            latency=options.latency, public_url=options.public_url, control=options.control
        )
        app = create_app(
            catalogue, profile=options.profile, api_keys=[key], quota=options.quota,
            settings=settings,
        )  # fmt: skip
        listening = bind(options.host, options.port)
    except GeodesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    address = options.public_url or f"http://{options.host}:{listening.getsockname()[1]}"
    sys.stdout.write(
        f"Stand-in GEODES (not GEODES) is ready at {address} - API key in {key_file}\n"
    )
    sys.stdout.flush()
    server = uvicorn.Server(configuration(app))
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean stop
        server.run(sockets=[listening])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m geodes_datalab.standin",
        description="Serve a stand-in GEODES with sample products. It is not GEODES.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on; 0: a free one")
    parser.add_argument("--cache", type=Path, help="folder of the packed samples")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="legacy")
    parser.add_argument(
        "--api-key-file", type=Path,
        help="file with the valid API key; made (0600) with a random key when it does not exist",
    )  # fmt: skip
    parser.add_argument("--quota", type=int, default=DEFAULT_QUOTA, help="products per hour")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per catalogue answer")
    parser.add_argument("--bulk", type=int, default=0, help="add so many metadata-only items")
    parser.add_argument("--public-url", help="address to write into documents")
    parser.add_argument(
        "--control", action="store_true", help="let clients switch faults at /_stand-in/faults"
    )
    return parser


def _key(options: argparse.Namespace) -> tuple[str, Path]:
    """Return the key and its file, making both when there is none."""
    path = options.api_key_file or (options.cache or default_cache()) / "stand-in-api-key"
    if not path.is_file() or not path.read_text().strip():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{new_key()}\n")
        path.chmod(0o600)
    return path.read_text().strip(), path


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())

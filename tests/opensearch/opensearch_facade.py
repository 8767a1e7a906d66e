"""The catalogue served by OpenSearch, on a thread until the end of a block."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.waiting import eventually, minutes

from geodes_datalab.config import Config
from geodes_datalab.services.opensearch import create_app
from geodes_datalab.standin.server import Server, bind, configuration


@contextmanager
def facade(config: Config, **options: Any) -> Iterator[str]:
    """Serve a catalogue; give the root of its addresses."""
    app = create_app(config, **options)
    listening = bind("127.0.0.1", 0)
    settings = configuration(app)
    settings.lifespan = "on"
    server = Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        eventually(lambda: server.started, "the service starts")
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(minutes(1))
        listening.close()

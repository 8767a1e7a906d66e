"""A small HTTP server for each world beyond the cluster: it tells where it is and who asked.

python answers.py NAME PORT...
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Answers(BaseHTTPRequestHandler):
    """Answers every GET with the world's name and the asker's address."""

    world = ""

    def do_GET(self) -> None:
        """Tell where this is, and who asked."""
        told = {"world": self.world, "asked_by": self.client_address[0], "path": self.path}
        body = json.dumps(told).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(world: str, ports: list[int]) -> None:
    """Serve on every port of every address until killed."""
    Answers.world = world
    servers = [ThreadingHTTPServer(("0.0.0.0", port), Answers) for port in ports]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], [int(text) for text in sys.argv[2:]])

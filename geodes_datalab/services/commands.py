"""Commands that start services; what they need is imported when they start."""

from __future__ import annotations

import click

from geodes_datalab._commands import Command, option
from geodes_datalab._language import gettext


@click.command("opensearch", cls=Command)
@option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@option("--port", default=8870, show_default=True, help="Port to listen on; 0 takes a free one.")
@option("--catalogue", metavar="geodes|URL", help="What it searches (default: what is configured).")
@option("--public-url", default="", help="Address by which others reach it, behind a proxy.")
def opensearch(host: str, port: int, catalogue: str | None, public_url: str) -> None:
    """Serve the catalogue to tools that speak OpenSearch; Ctrl-C stops it."""
    from geodes_datalab._optional import need

    for name in ("starlette", "uvicorn"):
        need(name, extra="services")
    from geodes_datalab.services.opensearch.run import serve
    from geodes_datalab.stac.settings import settings_of

    def ready(address: str) -> None:
        click.echo(gettext("OpenSearch description: {address}", address=address))

    serve(settings_of(catalogue), host=host, port=port, public_url=public_url, on_ready=ready)

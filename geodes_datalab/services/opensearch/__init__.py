"""The catalogue for tools that speak OpenSearch (OGC 13-026 with 17-047 and Atom): ``geodes-datalab opensearch``."""

from __future__ import annotations

from geodes_datalab.services.opensearch.app import create_app

__all__ = ["create_app"]

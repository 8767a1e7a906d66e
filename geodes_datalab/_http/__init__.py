"""The only package that sends HTTP: timeouts, bounded retries, redirects, the key, errors.

- Retries: connection errors, 429 and 5xx, and JSON that breaks off, with exponential backoff; a server
  that asks for a long pause is not waited for.
- The API key goes to the portal's own origin only, also across redirects.
- TLS certificates are always verified, by the system's authorities or by ``Config.ca_bundle``.
- Every failure becomes one of `geodes_datalab.errors`, also while a body is read.
"""

from __future__ import annotations

from geodes_datalab._http.client import Client, Probe
from geodes_datalab._http.parts import Part
from geodes_datalab._http.replies import body, content_range, is_part, version
from geodes_datalab._http.session import pause

__all__ = ["Client", "Part", "Probe", "body", "content_range", "is_part", "pause", "version"]

"""When a request is refused through no fault of the Roles: two moments of any Kubernetes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

Record = dict[str, Any]
"""One of the API server's audit records."""

NEAR = timedelta(
    seconds=1
)  # patience: it asks itself whether it is ready ten times a second until it is
GIVING = {"create": True, "patch": True, "update": True, "delete": False}


class Excuses:
    """What an audit log tells of the circumstances of refusals.

    An API server that starts answers before it has read the Roles, and says at ``/readyz`` that it
    is not ready. And ``helm uninstall`` removes Roles before the pods that use them have ended.

    Parameters
    ----------
    records
        The audit log, the oldest first.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._unready: list[datetime] = []
        self._bindings: dict[tuple[str, str], list[tuple[datetime, bool]]] = {}
        for record in records:
            code = record.get("responseStatus", {}).get("code", 0)
            ref = record.get("objectRef", {})
            if record["requestURI"].startswith("/readyz") and code == 500:
                self._unready.append(_received(record))
            elif ref.get("resource") == "rolebindings" and code < 300:
                self._note(record, ref)

    def find(self, record: Record, account: str) -> str | None:
        """Why a refused request of a ServiceAccount had to be refused; None if for want of a right.

        The chart calls bindings what it calls their accounts.
        """
        when, ref = _received(record), record["objectRef"]
        if any(abs(when - moment) < NEAR for moment in self._unready):
            return "the API server was starting"
        changes = self._bindings.get((ref.get("namespace", ""), account), [])
        before = [there for changed, there in changes if changed <= when]
        return "its Role had been removed" if before and not before[-1] else None

    def _note(self, record: Record, ref: dict[str, Any]) -> None:
        if (there := GIVING.get(record["verb"])) is not None and "name" in ref:
            key = ref.get("namespace", ""), ref["name"]
            self._bindings.setdefault(key, []).append((_received(record), there))


def _received(record: Record) -> datetime:
    return datetime.fromisoformat(record["requestReceivedTimestamp"])

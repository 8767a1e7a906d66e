"""From the hub's users to Unix accounts."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass

from geodes_datalab.hub.gateway.limits import Refused
from geodes_datalab.settings.slurm import Accounts

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


@dataclass(frozen=True)
class Mapping:
    """Finds a user's account, or says that there is none."""

    rule: Accounts

    def account(self, user: str) -> str:
        """Return the Unix account of a user of the hub.

        Raises
        ------
        Refused
            There is none; the user reads the message.
        """
        name = self._named(user)
        if name is None or _ACCOUNT.fullmatch(name) is None:
            raise self._refused(user, None)
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise self._refused(user, name) from None
        if self.rule.kind != "own" and entry.pw_uid < self.rule.least_uid:
            raise self._refused(user, name)
        return name

    def _named(self, user: str) -> str | None:
        rule = self.rule
        if rule.kind == "own":
            return _own()
        if rule.kind == "identity":
            return user
        if rule.kind == "table":
            return rule.table.get(user)
        result = re.fullmatch(rule.pattern, user)
        return result["account"] if result else None

    def _refused(self, user: str, name: str | None) -> Refused:
        what = f" (it would be {name})" if name and name != user else ""
        return Refused(
            f"the HPC has no account for the user {user!r}{what}: "
            "ask its administrator for one, or for an entry in the gateway's table of users",
            "account",
        )


def _own() -> str | None:
    """Return this process's account; None: its number has no name, as in many a container."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None

"""Check a datalab from outside, as a user would use it: log in, start a server, compute, leave.

``helm test`` runs it in the cluster; it works on any datalab that can be reached::

    python -m geodes_datalab.hub.check --url=http://127.0.0.1:8000/ --password-file=password

It needs no right on the cluster: a password, or a token of the hub that is good for one user.
"""

from __future__ import annotations

from __future__ import annotations

# Programs that tests start in processes of their own.
collect_ignore_glob = ["*_client.py", "loopback.py"]

"""What the chart's tests know about Kubernetes: rendering, contexts, policies, its own schema."""

from __future__ import annotations

"""What Slurm's states and reasons mean, in words for the user."""

from __future__ import annotations

ALIVE = frozenset(
    {
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "COMPLETING",
        "SUSPENDED",
        "STOPPED",
        "REQUEUED",
        "REQUEUE_HOLD",
        "REQUEUE_FED",
        "RESV_DEL_HOLD",
        "SPECIAL_EXIT",
        "SIGNALING",
        "STAGE_OUT",
        "RESIZING",
    }
)
"""States of a job that runs, or may run (again)."""

FORGIVEN = frozenset({"CANCELLED", "PREEMPTED", "NODE_FAIL", "REVOKED", "TIMEOUT", "DEADLINE"})
"""Ends that say nothing against the environment of workers: they are replaced without counting."""

_ENDS = {
    "CANCELLED": "was cancelled in Slurm (by you, an administrator, or Slurm itself)",
    "TIMEOUT": 'reached its time limit: ask for more by options={"walltime": "HH:MM:SS"}',
    "DEADLINE": "reached its deadline",
    "NODE_FAIL": "was lost with its node",
    "BOOT_FAIL": "was lost: its node did not start",
    "PREEMPTED": "was preempted by a job of higher priority",
    "OUT_OF_MEMORY": "used more memory than was reserved: ask for a larger one",
    "FAILED": "ended with an error: its log in the cluster's folder has the cause",
    "COMPLETED": "ended",
}

_REASONS = {
    "Priority": "jobs of higher priority are before it",
    "Resources": "it is next, as soon as enough processors and memory are free",
    "None": "Slurm has not looked at it yet",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition takes no jobs now",
    "PartitionNodeLimit": "it asks for more than the partition allows",
    "PartitionTimeLimit": "it asks for more time than the partition allows",
    "ReqNodeNotAvail": "the nodes are reserved or out of order",
    "NodeDown": "its node is out of order",
    "JobHeldAdmin": "an administrator holds it back",
    "JobHeldUser": "it is held back",
    "BeginTime": "it may not start yet",
    "Licenses": "a licence is not free",
    "Reservation": "its reservation has not begun",
    "BadConstraints": "no node has what it asks for",
    "JobArrayTaskLimit": "only some tasks of an array may run at a time",
    "Dependency": "it waits for another job",
}

LASTING = {
    "PartitionNodeLimit": "config",
    "PartitionTimeLimit": "config",
    "BadConstraints": "config",
    "JobHeldAdmin": "held",
    "JobHeldUser": "held",
}
"""Reasons that waiting does not end, as one word for the client and the metrics."""


def ended(state: str | None, nodes: str = "") -> str:
    """Return how a job ended.

    Parameters
    ----------
    state
        As ``squeue`` says it; None for a job that Slurm has forgotten.
    nodes
        Where it ran.

    Examples
    --------
    >>> ended("NODE_FAIL", "n12")
    'was lost with its node (on n12)'
    """
    if state is None:
        return "is not known to Slurm any more"
    place = f" (on {nodes})" if nodes else ""
    return _ENDS.get(state, f"ended in Slurm's state {state}") + place


def reason(code: str) -> str:
    """Return why a job waits.

    Examples
    --------
    >>> reason("Priority"), reason("QOSMaxCpuPerUserLimit")
    ('jobs of higher priority are before it', 'a limit of your account is reached (QOSMaxCpuPerUserLimit)')
    """
    key = code.strip("()").split(",", maxsplit=1)[0].strip()
    if key in _REASONS:
        return _REASONS[key]
    if key.startswith(("QOS", "Assoc", "MaxCpuPerAccount", "MaxJobs")):
        return f"a limit of your account is reached ({key})"
    return f"Slurm says: {code.strip('()')}"


def state(name: str) -> str | None:
    """Return what a live job does that neither runs nor simply waits; None for those."""
    return {
        "SUSPENDED": "is suspended by an administrator",
        "STOPPED": "is stopped by a signal",
        "REQUEUED": "was put back into the queue",
        "REQUEUE_HOLD": "was put back into the queue and is held there",
        "SPECIAL_EXIT": "was put back into the queue and is held there",
        "RESV_DEL_HOLD": "is held: its reservation was removed",
    }.get(name)

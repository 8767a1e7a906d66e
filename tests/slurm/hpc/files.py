"""Files of the centre: Slurm's settings and the accounts."""

from __future__ import annotations

import shutil
from pathlib import Path

ACCOUNTS = {"dask": 61000, "ada": 61001, "ben": 61002, "eve": 61003}
"""The gateway's own account, two users of the datalab, and one who is none."""

GROUP = "hpcusers"
DATALAB = "datalab"
"""Group of those for whom the gateway may start jobs."""

NODES = ("n1", "n2", "n3", "n4")
CPUS, MEMORY_MB = 32, 64000


def slurm_conf(root: Path, host: str, ports: list[int]) -> str:
    """Return slurm.conf: loopback only, more processors than there are, no cgroups."""
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} "
        f"RealMemory={MEMORY_MB} Gres=gpu:1 Feature=skylake State=UNKNOWN"
        for name, port in zip(NODES, ports[1:], strict=False)
    )
    everywhere = f"Nodes={','.join(NODES)} MaxTime=02:00:00 State=UP"
    return f"""ClusterName=centre
SlurmctldHost={host}(127.0.0.1)
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmctldPort={ports[0]}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/%n
SlurmctldPidFile={root}/log/slurmctld.pid
SlurmdPidFile={root}/log/%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
AccountingStoreFlags=job_comment
JobCompType=jobcomp/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=5
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=20
InactiveLimit=0
KillWait=3
OverTimeLimit=0
SlurmctldTimeout=30
SlurmdTimeout=300
MessageTimeout=30
SlurmdParameters=config_overrides
GresTypes=gpu
{nodes}
PartitionName=normal {everywhere} Default=YES PriorityTier=1
PartitionName=urgent {everywhere} PriorityTier=10 PreemptMode=OFF
PartitionName=other {everywhere} PriorityTier=1
"""


def write_accounts(root: Path) -> None:
    """Write copies of the machine's accounts with the centre's added."""
    for name in ("passwd", "group", "shadow"):
        shutil.copy2(Path("/etc", name), root / name)
    with (root / "passwd").open("a") as passwd, (root / "shadow").open("a") as shadow:
        for name, uid in ACCOUNTS.items():
            passwd.write(f"{name}:x:{uid}:61000::{root}/home/{name}:/bin/sh\n")
            shadow.write(f"{name}:*:19000:0:99999:7:::\n")
    with (root / "group").open("a") as group:
        group.write(f"{GROUP}:x:61000:\n{DATALAB}:x:61100:ada,ben\n")

"""Settings of a datalab, as frozen models: what an operator may set, and nothing else.

Secrets never stand in a settings file: a `Secret` names the file or the environment variable that
holds one, and is read when the settings are applied.
"""

from __future__ import annotations

from geodes_datalab.hub.schema.access import Authenticator, Oidc
from geodes_datalab.hub.schema.base import Model, Secret
from geodes_datalab.hub.schema.gateway import (
    Certificate,
    Gateway,
    Hpda,
    KubernetesGateway,
    Limits,
    Pods,
    SchedulerPods,
    Size,
    Workers,
)
from geodes_datalab.hub.schema.homes import HomeMetrics, Homes, HomeUsage, HomeView
from geodes_datalab.hub.schema.kubernetes import Home, Kubernetes, SecretVariable, Shared
from geodes_datalab.hub.schema.loading import VARIABLE, Source, load, read
from geodes_datalab.hub.schema.profiles import (
    Audience,
    Choice,
    Option,
    OtherImage,
    Overrides,
    Profile,
    Resources,
)
from geodes_datalab.hub.schema.server import Check, Cull, Hub, Proxy
from geodes_datalab.hub.schema.settings import Settings
from geodes_datalab.hub.schema.slurm import Accounts, SlurmGateway
from geodes_datalab.hub.schema.spawner import Singleuser, Spawner

__all__ = [
    "VARIABLE",
    "Accounts",
    "Audience",
    "Authenticator",
    "Certificate",
    "Check",
    "Choice",
    "Cull",
    "Gateway",
    "Home",
    "HomeMetrics",
    "HomeUsage",
    "HomeView",
    "Homes",
    "Hpda",
    "Hub",
    "Kubernetes",
    "KubernetesGateway",
    "Limits",
    "Model",
    "Oidc",
    "Option",
    "OtherImage",
    "Overrides",
    "Pods",
    "Profile",
    "Proxy",
    "Resources",
    "SchedulerPods",
    "Secret",
    "SecretVariable",
    "Settings",
    "Shared",
    "Singleuser",
    "Size",
    "SlurmGateway",
    "Source",
    "Spawner",
    "Workers",
    "load",
    "read",
]

"""Settings of a datalab, as frozen models: what an operator may set, and nothing else.

Secrets never stand in a settings file: a `Secret` names the file or the environment variable that
holds one, and is read when the settings are applied.
"""

from __future__ import annotations

from geodes_datalab.settings.access import Authenticator, Oidc
from geodes_datalab.settings.base import Model, Secret
from geodes_datalab.settings.gateway import (
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
from geodes_datalab.settings.homes import HomeMetrics, Homes, HomeUsage, HomeView
from geodes_datalab.settings.kubernetes import Home, Kubernetes, SecretVariable, Shared
from geodes_datalab.settings.loading import VARIABLE, Source, load, read
from geodes_datalab.settings.profiles import (
    Audience,
    Choice,
    Option,
    OtherImage,
    Overrides,
    Profile,
    Resources,
)
from geodes_datalab.settings.server import Check, Cull, Hub, Proxy
from geodes_datalab.settings.settings import Settings
from geodes_datalab.settings.slurm import Accounts, SlurmGateway
from geodes_datalab.settings.spawner import Singleuser, Spawner

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

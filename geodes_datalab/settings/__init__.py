"""Settings of a datalab, as frozen models: what an operator may set, and nothing else.

The one place that says a setting: its name, what it may be, and what it means. The chart's
``values.schema.json`` and its table of values are made from here; its templates hand the values over as
they are, and fill in names, addresses and secrets.

Secrets never stand in a settings file: a `Secret` names the file or the environment variable that
holds one, and is read when the settings are applied.
"""

from __future__ import annotations

from geodes_datalab.settings.auth import Auth, Oidc
from geodes_datalab.settings.base import Image, Model, Places, Secret, SecretKey, Toleration
from geodes_datalab.settings.dask import Backend, Pods, SchedulerPods, Size
from geodes_datalab.settings.environment import Geodes
from geodes_datalab.settings.gateway import Certificate, Gateway, Hpda, Limits, Workers
from geodes_datalab.settings.homes import HomeMetrics, Homes, HomeUsage, HomeView
from geodes_datalab.settings.hub import Check, Cull, Hub, Proxy, Spawner
from geodes_datalab.settings.loading import VARIABLE, Source, load, read
from geodes_datalab.settings.model import Settings
from geodes_datalab.settings.profiles import (
    Audience,
    Choice,
    Option,
    OtherImage,
    Overrides,
    Profile,
)
from geodes_datalab.settings.singleuser import Singleuser
from geodes_datalab.settings.slurm import Accounts, SlurmGateway
from geodes_datalab.settings.storage import SharedData, Storage

__all__ = [
    "VARIABLE",
    "Accounts",
    "Audience",
    "Auth",
    "Backend",
    "Certificate",
    "Check",
    "Choice",
    "Cull",
    "Gateway",
    "Geodes",
    "HomeMetrics",
    "HomeUsage",
    "HomeView",
    "Homes",
    "Hpda",
    "Hub",
    "Image",
    "Limits",
    "Model",
    "Oidc",
    "Option",
    "OtherImage",
    "Overrides",
    "Places",
    "Pods",
    "Profile",
    "Proxy",
    "SchedulerPods",
    "Secret",
    "SecretKey",
    "Settings",
    "SharedData",
    "Singleuser",
    "Size",
    "SlurmGateway",
    "Source",
    "Spawner",
    "Storage",
    "Toleration",
    "Workers",
    "load",
    "read",
]

"""Settings of user pods on Kubernetes: image, resources, home, shared data, escape hatches.

What makes a pod safe (non-root, read-only root, no token, no capability) is not a setting.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from geodes_datalab.settings.base import (
    Label,
    Mapping,
    Model,
    PullPolicy,
    Quantity,
    Slug,
    Variable,
    check_fields,
)
from geodes_datalab.settings.profiles import OtherImage, Profile, Resources

NAMES = ("username", "user_server", "servername", "userid", "unescaped_username", "namespace")
"""What may stand in braces: KubeSpawner's names; ``username`` is made safe for Kubernetes."""

MOUNTED = ("/home/jovyan", "/tmp")  # noqa: S108  # of the pod, not of the hub
"""Folders that every user pod can write."""


def _one_per_user(template: str) -> bool:
    names = ("{username}", "{user_server}", "{userid}", "{unescaped_username}")
    return any(name in template for name in names)


class Home(Model):
    """Where a user's files live."""

    kind: Literal["dynamic", "shared", "none"] = "dynamic"
    """A claim per user; a folder per user in one shared claim; a temporary home."""
    claim: str = ""
    """dynamic: name of each claim (``claim-{username}``; ``claim-{user_server}`` gives named servers
    claims of their own); shared: name of the one claim."""
    subpath: str = "{username}"
    """shared: the user's folder in the claim."""
    storage_class: str | None = None
    """dynamic: class of the claims; None: the cluster's default."""
    capacity: Quantity = "10Gi"
    """dynamic: size of each claim."""
    access_modes: tuple[str, ...] = ("ReadWriteOnce",)
    """dynamic: of each claim. With several nodes ReadWriteMany avoids waiting for a volume."""
    size_limit: Quantity = "5Gi"
    """none: how large a temporary home may grow before the pod is evicted."""

    @field_validator("claim", "subpath")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        return check_fields(value, NAMES)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Home:
        if self.kind == "shared" and not self.claim:
            raise ValueError("kind is shared: name the claim")
        if self.kind == "shared" and not _one_per_user(self.subpath):
            raise ValueError("subpath is the same for all users: put {username} into it")
        if self.kind == "dynamic" and not _one_per_user(self.claim or "{username}"):
            raise ValueError("claim is the same for all users: put {username} into it")
        return self


class Shared(Model):
    """A claim that all users see."""

    claim: str = Field(min_length=1)
    """Name of the claim."""
    path: str = Field(pattern=r"^/.+")
    """Where it is mounted."""
    subpath: str = ""
    """Folder of the claim to mount."""
    read_only: bool = True
    """For everybody but the ones named below."""
    writers: tuple[str, ...] = ()
    """Groups that may write."""
    admins_write: bool = False
    """Whether administrators of the hub may write."""
    dask: bool = True
    """Mounted in Dask's pods too, always read-only, where they run in the claim's namespace."""

    @field_validator("path")
    @classmethod
    def _free(cls, value: str) -> str:
        if value.rstrip("/") in MOUNTED:
            raise ValueError(f"{value} is a folder of its own in every pod: choose another")
        return value


class SecretVariable(Model):
    """A variable whose value lies in a Secret of the users' namespace."""

    secret: str = Field(min_length=1)
    """Name of the Secret; ``geodes-{username}`` gives each user an own one."""
    key: str = Field(min_length=1)
    """Its key."""
    optional: bool = False
    """Whether a server starts without it."""

    @field_validator("secret")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        return check_fields(value, NAMES)


class Kubernetes(Resources):
    """The users' pods on Kubernetes."""

    namespace: str = Field(min_length=1)
    """Where they run: the hub's own namespace."""
    pod_name: str = "jupyter-{user_server}"
    """Name of each pod; two releases in one namespace need two names."""
    image: str = Field(min_length=1)
    """Of user servers; their Dask clusters use it too."""
    image_pull_policy: PullPolicy = "IfNotPresent"
    """When nodes pull it."""
    image_pull_secrets: tuple[str, ...] = ()
    """Names of Secrets with registry credentials."""
    allowed_images: tuple[str, ...] = ()
    """Patterns (``registry.example.org/team/*``) of images that users may name themselves, for
    servers and for Dask; the ones named in these settings always are."""
    other_image: OtherImage = OtherImage()
    """Whether the spawn page lets users name an image."""
    uid: int = Field(default=1000, ge=1)
    """Account in the pods; root is refused."""
    gid: int = Field(default=100, ge=1)
    """Its group."""
    fs_gid: int = Field(default=100, ge=1)
    """Group of the volumes' files."""
    home: Home = Home()
    """The users' files."""
    shared: dict[Label, Shared] = {}
    """Claims for all, by name."""
    labels: dict[str, str] = {}
    """Of user pods and claims; the chart's own ones, so that policies and people find them."""
    annotations: dict[str, str] = {}
    """Of user pods."""
    priority_class: str = ""
    """Of user pods."""
    service_account: str | None = None
    """Of user pods; its token is never mounted."""
    volumes: dict[Label, Mapping] = {}
    """Further volumes, as Kubernetes wants them, without the name."""
    volume_mounts: dict[Label, Mapping] = {}
    """Further mounts of the server's container; ``name`` is the volume's, by default the key."""
    containers: dict[Label, Mapping] = {}
    """Further containers, without the name."""
    init_containers: dict[Label, Mapping] = {}
    """Containers that run first, without the name."""
    pod_config: Mapping = {}
    """Merged into the pod's specification; security contexts stay ours."""
    environment_from_secrets: dict[Variable, SecretVariable] = {}
    """Variables of user servers that lie in Secrets: GEODES credentials of the site or of a user."""
    profiles: dict[Slug, Profile] = {}
    """What a user may choose at start, by name, in the order of names; none: no question."""

    @field_validator("pod_name")
    @classmethod
    def _one_pod_per_server(cls, value: str) -> str:
        if "{user_server}" not in check_fields(value, NAMES):
            raise ValueError("it is the same for several servers: put {user_server} into it")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Kubernetes:
        if self.other_image.enabled and not self.allowed_images:
            raise ValueError("other_image is enabled, but allowed_images names no image")
        own = {"home", "tmp", "dev-shm", *(f"shared-{name}" for name in self.shared)}
        taken = sorted(own & {*self.volumes, *self.volume_mounts})
        if taken:
            raise ValueError(f"volumes: the name {taken[0]} is ours: choose another")
        if sum(profile.default for profile in self.profiles.values()) > 1:
            raise ValueError("profiles: several are the default")
        return self

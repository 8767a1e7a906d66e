"""Settings of users' files on Kubernetes: homes, and data that all of them see."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from geodes_datalab.settings.base import (
    NAMES,
    AccessMode,
    Label,
    Mapping,
    Model,
    Name,
    Quantity,
    Text,
    check_fields,
)

MOUNTED = ("/home/jovyan", "/tmp")  # noqa: S108  # of the pod, not of the hub
"""Folders that every user pod can write."""


def _one_per_user(template: str) -> bool:
    names = ("{username}", "{user_server}", "{userid}", "{unescaped_username}")
    return any(name in template for name in names)


class Dynamic(Model):
    """Claims of `dynamic`."""

    storage_class: Name = ""
    """Their class; empty is the default one."""
    storage_access_modes: Annotated[tuple[AccessMode, ...], Field(min_length=1)] = (
        "ReadWriteOnce",
    )
    """Their access modes. With several nodes ReadWriteMany avoids waiting for a volume."""
    pvc_name_template: str = ""
    """Their names; empty: `<fullname>-home-{username}`. `{username}` is the user's name made safe for
    Kubernetes."""

    @field_validator("pvc_name_template")
    @classmethod
    def _one_per_user(cls, value: str) -> str:
        if not _one_per_user(check_fields(value, NAMES) or "{username}"):
            raise ValueError("it is the same for all users: put {username} into it")
        return value


class Static(Model):
    """The claim of `static`."""

    pvc_name: Name = ""
    """Its name; it must exist."""
    sub_path: Text = "{username}"
    """A user's folder in it."""

    @field_validator("sub_path")
    @classmethod
    def _one_per_user(cls, value: str) -> str:
        if not _one_per_user(check_fields(value, NAMES)):
            raise ValueError("it is the same for all users: put {username} into it")
        return value


class Temporary(Model):
    """The temporary home of `none`."""

    size_limit: Quantity = "5Gi"
    """What it may hold, before the pod is evicted."""


class Storage(Model):
    """The users' homes."""

    type: Literal["dynamic", "static", "none"] = "dynamic"
    """`dynamic`: a claim per user. `static`: one shared claim, a folder per user. `none`: a temporary home
    that goes with the server."""
    capacity: Quantity = "10Gi"
    """Size of each home's claim."""
    dynamic: Dynamic = Dynamic()
    static: Static = Static()
    none: Temporary = Temporary()
    extra_volumes: dict[Label, Mapping] = {}
    """Volumes of its pods: name -> volume, without the name."""
    extra_volume_mounts: dict[Label, Mapping] = {}
    """Mounts of its container: name of the volume -> mount (`name` where it differs)."""

    @model_validator(mode="after")
    def _complete(self) -> Storage:
        if self.type == "static" and not self.static.pvc_name:
            raise ValueError("type is static: name the claim in static.pvcName")
        return self

    @property
    def claim(self) -> str:
        """Name of the claim, or the template of names, where there are claims."""
        names = {"dynamic": self.dynamic.pvc_name_template, "static": self.static.pvc_name}
        return names.get(self.type, "")

    @property
    def promised(self) -> str:
        """How much a home may hold, as far as these settings say."""
        sizes = {"dynamic": self.capacity, "static": "", "none": self.none.size_limit}
        return sizes[self.type]


class SharedData(Model):
    """A claim that all users see."""

    pvc_name: Annotated[Name, Field(min_length=1)]
    """The claim; it must exist."""
    mount_path: str = Field(pattern=r"^/.+")
    """Where users find it."""
    sub_path: str = ""
    """Folder in the claim."""
    read_only: bool = True
    """Whether users only read it (the default)."""
    admins_write: bool = False
    """Whether administrators write in it."""
    writers: tuple[Text, ...] = ()
    """Groups whose members write in it."""
    dask: bool = True
    """Whether Dask's pods mount it too, always read-only, where they run in the claim's namespace."""

    @field_validator("mount_path")
    @classmethod
    def _free(cls, value: str) -> str:
        if value.rstrip("/") in MOUNTED:
            raise ValueError(f"{value} is a folder of its own in every pod: choose another")
        return value

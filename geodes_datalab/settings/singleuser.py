"""Settings of users' servers: what people find in them, and on Kubernetes their pods.

What makes a pod safe (non-root, read-only root, no token, no capability) is not a setting.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from geodes_datalab.settings.base import (
    NAMES,
    Filled,
    Image,
    Label,
    Mapping,
    Model,
    Name,
    Places,
    SecretKey,
    Slug,
    Text,
    Toleration,
    Variable,
    Variables,
    check_fields,
)
from geodes_datalab.settings.environment import VariablesOrSecrets
from geodes_datalab.settings.profiles import Cpu, Memory, OtherImage, Profile
from geodes_datalab.settings.storage import SharedData, Storage


class Singleuser(Model):
    """The users' servers."""

    image: Image = Image()
    """The notebook image: user server, Dask scheduler and Dask worker at once."""
    allowed_images: dict[str, Text] = {}
    """Patterns of further images that users may run, as server and as Dask cluster, by any name
    (``registry.example.org/team/*``). The default image and those of profiles always are allowed."""
    other_image: OtherImage = OtherImage()
    default_url: str = Field(default="", pattern=r"^(/[^\s]*)?$")
    """First page; by default the notebooks' index, or the Lab where there is none."""
    language: Literal["en", "fr"] = "en"
    """Of the Lab's menus, until the user chooses another, of the notebooks' index, and of errors and tables in
    notebooks; and of the hub's pages for browsers that ask for neither English nor French."""
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    gpu_resource: Text = "nvidia.com/gpu"
    """Name of GPUs in this cluster, for profiles that ask for some."""
    start_timeout: int = Field(default=300, ge=5)
    """Seconds until a server's pod must run (volumes, image, start)."""
    http_timeout: int = Field(default=60, ge=5)
    """Seconds until a running pod must answer."""
    uid: int = Field(default=1000, ge=1)
    """User of the server and of Dask's pods; root is refused."""
    gid: int = Field(default=100, ge=0)
    """Its group."""
    fs_gid: int = Field(default=100, ge=0)
    """Group of the files in its volumes."""
    storage: Storage = Storage()
    shared_data: dict[Label, SharedData] = {}
    """Claims shared by all users, by name. Dask's pods mount the read-only ones where the claim lies in
    their namespace."""
    profiles: dict[Slug, Profile] = {}
    """What users choose from before their server starts, by name; none means no question."""
    extra_env: VariablesOrSecrets = {}
    """Environment variables: `NAME: value`, or `NAME: {valueFrom: {secretKeyRef: {name, key}}}`."""
    extra_labels: dict[str, str] = {}
    """Labels of user pods."""
    extra_annotations: dict[str, str] = {}
    """Annotations of user pods."""
    node_selector: dict[str, str] = {}
    """Labels of the nodes that its pods may run on."""
    extra_tolerations: tuple[Toleration, ...] = ()
    """Taints of nodes that its pods bear."""
    priority_class_name: Name = ""
    """Priority class of its pods."""
    init_containers: dict[Label, Mapping] = {}
    """Containers that run before it: name -> container, in the order of the names."""
    extra_containers: dict[Label, Mapping] = {}
    """Containers beside it: name -> container."""
    extra_pod_config: Mapping = {}
    """Merged into the pod. The security contexts, the read-only root and the missing token stay."""
    namespace: Filled[str] = ""
    """Where pods run: the hub's own namespace."""
    pod_name: Filled[str] = "jupyter-{user_server}"
    """Name of each pod; two releases in one namespace need two names."""
    labels: Filled[dict[str, str]] = {}
    """Of user pods and claims; the chart's own ones, so that policies and people find them."""
    account: Filled[str | None] = None
    """Service account of user pods; its token is never mounted."""
    volumes: Filled[dict[Label, Mapping]] = {}
    """Volumes of the site's authorities and of `extraFiles`."""
    volume_mounts: Filled[dict[str, Mapping]] = {}
    """Their mounts; ``name`` is the volume's, by default the key."""
    environment: Filled[Variables] = {}
    """Set in every user server; may refer to nothing secret."""
    environment_from_secrets: Filled[dict[Variable, SecretKey]] = {}
    """Variables that lie in Secrets: the site's key of GEODES, a proxy with a password."""
    notebooks: Filled[Path | None] = None
    """Folder of the shipped notebooks, copied into each home; None: nothing is copied by the hub
    (images bring their own)."""
    notebooks_folder: Filled[str] = "notebooks"
    """Name of their copy in the home; empty on Kubernetes: images copy none."""
    allow_root: Filled[bool] = False
    """Only for an account that is root itself."""

    @field_validator("pod_name")
    @classmethod
    def _one_pod_per_server(cls, value: str) -> str:
        if "{user_server}" not in check_fields(value, NAMES):
            raise ValueError("it is the same for several servers: put {user_server} into it")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Singleuser:
        if self.other_image.enabled and not self.allowed_images:
            raise ValueError("otherImage is enabled, but allowedImages names no image")
        own = {"home", "tmp", "dev-shm", *(f"shared-{name}" for name in self.shared_data)}
        given = {*self.storage.extra_volumes, *self.storage.extra_volume_mounts}
        if taken := sorted(own & given):
            raise ValueError(f"storage: the name {taken[0]} is ours: choose another")
        if sum(profile.default for profile in self.profiles.values()) > 1:
            raise ValueError("profiles: several are the default")
        return self

    @property
    def places(self) -> Places:
        """Where its pods run, by what is said here."""
        return Places(
            node_selector=self.node_selector,
            tolerations=self.extra_tolerations,
            priority_class_name=self.priority_class_name,
        )

    @property
    def patterns(self) -> tuple[str, ...]:
        """Patterns of images that users may name, as the server and as Dask's."""
        return tuple(sorted(self.allowed_images.values()))


class Scheduling(Model):
    """Where pods run, added to what each of them says itself."""

    user_pods: Places = Places()
    """Users' servers, Dask's pods and the image puller."""

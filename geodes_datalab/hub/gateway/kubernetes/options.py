"""What a user may choose when opening a Dask cluster on Kubernetes: size, image, environment."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

from dask_gateway_server.models import User
from dask_gateway_server.options import Mapping, Options, String

from geodes_datalab.hub.gateway.kubernetes import pods
from geodes_datalab.hub.gateway.options import Named, OptionError, environment
from geodes_datalab.hub.images import permitted
from geodes_datalab.hub.person import Person
from geodes_datalab.settings import Settings, Size

GIB = 2**30


def cluster_options(settings: Settings) -> Options:
    """Return the options and what becomes of them.

    Parameters
    ----------
    settings
        Hold the sizes, the images and the names of variables that are allowed.
    """
    sizes = pods.sizes(settings)
    default = next((name for name, size in sizes.items() if size.default), next(iter(sizes)))
    told = "; ".join(f"{name}: {describe(size)}" for name, size in sizes.items())
    return Options(
        NamedSize("size", [(name, name) for name in sizes], default, label=f"Worker size ({told})"),
        String("image", default=pods.image(settings).reference, label="Image"),
        Mapping("environment", {}, label="Environment variables"),
        handler=Handler(settings),
    )


def describe(size: Size) -> str:
    """Return a size in words.

    Examples
    --------
    >>> describe(Size(cores=2, memory_gib=8))
    '2 cores, 8 GiB'
    """
    return f"{size.cores:g} core{'s' * (size.cores != 1)}, {size.memory_gib:g} GiB"


class NamedSize(Named):
    """Size of workers."""

    what, code = "worker size", "size"


@dataclass(frozen=True)
class Handler:
    """Turn a user's choice into the configuration of the cluster's pods."""

    settings: Settings

    def __call__(self, options: Any, user: User) -> dict[str, Any]:
        """Return overrides of the cluster's configuration.

        Raises
        ------
        OptionError
            A variable or an image that is not allowed; the user reads the message.
        """
        self._check_image(options.image, Person(frozenset(user.groups), user.admin))
        variables = environment(self.settings, pods.ENVIRONMENT)
        return {
            "image": options.image,
            "environment": variables.merged(options.environment),
            "worker_extra_pod_annotations": self._annotations("worker", user),
            "scheduler_extra_pod_annotations": self._annotations("scheduler", user),
            **self._worker(pods.sizes(self.settings)[options.size]),
        }

    def _worker(self, size: Size) -> dict[str, Any]:
        memory = round(size.memory_gib * GIB)
        return {
            "worker_cores": size.cores,
            "worker_cores_limit": size.cores_limit or size.cores,
            "worker_memory": memory,
            "worker_memory_limit": memory,
            "worker_threads": size.threads,
            "worker_extra_pod_config": pods.worker_pod(self.settings, size),
        }

    def _annotations(self, kind: str, user: User) -> dict[str, str]:
        given: Dictionary[str, str] = getattr(self.settings.gateway.backend, kind).annotations
        return {**given, pods.OWNER: user.name}

    def _check_image(self, image: str, person: Person) -> None:
        named = pods.images(self.settings, person)
        patterns = self.settings.singleuser.patterns
        if image not in named and not permitted(image, patterns):
            allowed = ", ".join(sorted({*named, *patterns}))
            raise OptionError(
                f"the image {image} is not allowed for Dask here; allowed are: {allowed}", "image"
            )

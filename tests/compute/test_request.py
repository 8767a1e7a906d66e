"""What users may ask for, and what they read when it cannot be."""

from __future__ import annotations

import subprocess
import sys

import pytest

from geodes_datalab import compute
from geodes_datalab.compute import backend, links, request, versions
from geodes_datalab.errors import ClusterError


@pytest.mark.parametrize(
    "workers", [0, -1, 2.5, True, (3, 1), (0, 0), (-1, 2), (1, 2, 3), "4", None]
)
def test_numbers_of_workers_that_cannot_be(workers: object) -> None:
    with pytest.raises(ClusterError, match="What to do: give a number"):
        request.workers(workers)  # type: ignore[arg-type]


@pytest.mark.parametrize("memory", [0, -1, "four", "4 XB", "", "GB", "1e9"])
def test_sizes_that_are_none(memory: object) -> None:
    with pytest.raises(ClusterError, match="is no size of memory"):
        request.memory(memory)  # type: ignore[arg-type]


@pytest.mark.parametrize("cores", [0, -1, True, "two"])
def test_cores_that_are_none(cores: object) -> None:
    with pytest.raises(ClusterError, match="is no number of cores"):
        request.cores(cores)  # type: ignore[arg-type]


def test_unknown_backend() -> None:
    with pytest.raises(ClusterError, match=r'use "auto", "gateway", "hpda" or "local"'):
        compute.open_cluster(1, backend="cloud")  # type: ignore[arg-type]


def test_a_gateway_that_is_not_named() -> None:
    import dask

    with dask.config.set({"gateway.address": None}):
        assert backend.chosen("auto") == "local"
        with pytest.raises(ClusterError, match="no Dask Gateway is named here"):
            compute.open_cluster(1, backend="gateway")


def test_a_gateway_that_is_away(closed_port: int) -> None:
    import dask

    address = f"http://127.0.0.1:{closed_port}"
    with (
        dask.config.set({"gateway.address": address, "gateway.auth.type": "basic"}),
        pytest.raises(ClusterError, match=r"cannot be reached: .*\n  What to do: try again"),
    ):
        compute.open_cluster(1)


def test_dashboards_of_a_gateway_behind_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:8787/services/dask-gateway"
    assert links.public_address(address) is None
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    assert links.public_address(address) == ("/user/ada/proxy/127.0.0.1:8787/services/dask-gateway")
    assert links.public_address("https://gateway.example/x") is None


def report(**packages: str) -> dict[str, object]:
    return {"host": {}, "packages": {"python": "3.13.0.final.0", "dask": "2026.8.0", **packages}}


def test_differences_name_package_versions_and_places() -> None:
    found = versions.differences(
        {
            "client": report(numpy="2.3"),
            "scheduler": report(
                numpy="2.3", python="3.13.5.final.0"
            ),  # a patch release is no matter
            "workers": {"a": report(numpy="2.3"), "b": report(numpy="1.26"), "c": None},
        }
    )
    assert [str(one) for one in found] == ["numpy: 2.3 here, 1.26 on 1 of 2 workers"]
    assert not found[0].decisive


def test_another_python_is_decisive() -> None:
    other = report(python="3.12.1.final.0")
    found = versions.differences({"client": report(), "scheduler": other, "workers": {}})
    assert [str(one) for one in found] == ["python: 3.13 here, 3.12 on the scheduler"]
    assert found[0].decisive


def test_a_cluster_without_this_package_is_refused() -> None:
    here = report(**{"geodes-datalab": "0.1.0"})
    found = versions.differences({"client": here, "scheduler": report(), "workers": {}})
    assert [str(one) for one in found] == ["geodes-datalab: 0.1.0 here, none on the scheduler"]
    assert found[0].decisive
    older = report(**{"geodes-datalab": "0.0.9"})
    (told,) = versions.differences({"client": here, "scheduler": here, "workers": {"a": older}})
    assert not told.decisive


def test_importing_the_package_loads_no_dask() -> None:
    code = "import sys, geodes_datalab.compute as c; assert 'open_cluster' in dir(c); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"dask", "distributed", "numpy"} & set(done.stdout.split())


def test_names_are_sorted_and_real() -> None:
    assert compute.__all__ == sorted(compute.__all__)
    assert all(getattr(compute, name) for name in compute.__all__)
    with pytest.raises(AttributeError):
        compute.no_such_name  # noqa: B018

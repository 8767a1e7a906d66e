"""The user's image: every battery works together, the Lab is whole, the notebooks run."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator

import pytest
from inside import ROOT, Image

from geodes_datalab.standin.server import StandIn

pytestmark = [pytest.mark.images, pytest.mark.timeout(1500)]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Its wheel lacks a file that its Python module reads; only its script for the browser is used, and that
# is looked at by the test of the Lab's extensions.
NOT_IMPORTABLE = {"jupyterlab-execute-time"}
# Ways of numba to run in parallel that need a library of the system; it has one of its own.
OPTIONAL = ("numba/np/ufunc/omppool", "numba/np/ufunc/tbbpool")
IMPORT_ALL = """
import importlib, importlib.metadata as metadata, importlib.util, json, sys, time, warnings
warnings.simplefilter("ignore")
modules = {}
for module, names in metadata.packages_distributions().items():
    for name in names:
        modules.setdefault(name.lower().replace("_", "-").replace(".", "-"), []).append(module)
said = {}
for name in sys.argv[1:]:
    begin = time.perf_counter()
    try:
        metadata.version(name)
        listed = [each for each in modules.get(name, []) if not each.startswith("_")]
        found = [each for each in listed if importlib.util.find_spec(each)]
        own = [each for each in found if each.lower().replace("_", "-") == name]
        found = own or found  # duckdb also brings a module for a driver that is an extra
        for module in found:
            importlib.import_module(module)
        said[name] = {"seconds": time.perf_counter() - begin, "modules": found}
    except BaseException as error:
        said[name] = {"error": f"{type(error).__name__}: {error}"}
print("\\n" + json.dumps(said))
"""


def batteries() -> list[str]:
    """Every distribution that pyproject.toml asks for by name in this image."""

    def opened(texts: list[str]) -> Iterator[str]:
        for text in texts:
            name, extras = re.match(r"([A-Za-z0-9._-]+)(?:\[(.+?)\])?", text).groups()
            if name == "geodes-datalab":
                for extra in extras.split(","):
                    yield from opened(PROJECT["optional-dependencies"][extra])
            else:
                yield re.sub(r"[._]", "-", name.lower())

    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["notebook"]]
    return sorted(set(opened(asked)) - NOT_IMPORTABLE)


def test_every_battery_imports_in_one_process_that_ends_well(notebook: Image) -> None:
    done = notebook.run("python", "-", *batteries(), text=IMPORT_ALL, within=20)
    said = json.loads(done.stdout.splitlines()[-1])
    assert not {name: each["error"] for name, each in said.items() if "error" in each}
    assert sorted(said) == batteries()
    assert sum(bool(each["modules"]) for each in said.values()) > 90
    assert done.returncode == 0, f"a library crashes at exit: {done.stderr}"
    slow = sorted(((each["seconds"], name) for name, each in said.items()), reverse=True)[:8]
    print("\nslowest imports:", ", ".join(f"{name} {seconds:.1f} s" for seconds, name in slow))


def test_every_compiled_module_loads(notebook: Image) -> None:
    """Symbol tables were taken out of them: none may have been harmed."""
    code = """
import ctypes, json, os, pathlib, sysconfig
said, total = {}, 0
for path in sorted(pathlib.Path(sysconfig.get_path("purelib")).rglob("*.so*")):
    if path.read_bytes()[:4] != b"\\x7fELF" or ".libs/" in str(path):
        continue
    total += 1
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        said[str(path)] = str(error)
print(json.dumps([total, said]), flush=True)
os._exit(0)  # many were loaded, not imported: they are not ready to end
"""
    total, failed = json.loads(notebook.python(code))
    assert total > 500
    assert not {path: why for path, why in failed.items() if not any(o in path for o in OPTIONAL)}


def test_no_requirement_is_broken(notebook: Image) -> None:
    done = notebook.run("pip", "check")
    assert (done.returncode, done.stdout.strip()) == (0, "No broken requirements found.")


def test_pygeodes_works_with_what_its_lifted_caps_let_in(notebook: Image) -> None:
    code = "import pygeodes, rich, IPython, importlib.metadata as m; g = pygeodes.Geodes(); "
    code += "print(type(g).__name__, m.version('rich'), m.version('ipython'), *m.requires('pygeodes'), sep='|')"
    kind, rich, ipython, *asked = notebook.python(code).strip().splitlines()[-1].split("|")
    assert kind == "Geodes"
    assert int(rich.split(".")[0]) >= 14
    assert int(ipython.split(".")[0]) >= 9
    lifted = {"ipython", "rich"}
    assert lifted <= set(asked)
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"][
        "override-dependencies"
    ]
    assert {text.split(">")[0] for text in overrides if ">" in text} == lifted


def test_a_rasterio_dataset_in_xarray_does_not_crash_the_process(notebook: Image) -> None:
    code = """
import numpy as np, rasterio, rasterio.transform, xarray as xr, cfgrib, pyproj
with rasterio.open("/tmp/a.tif", "w", driver="GTiff", width=8, height=8, count=1, dtype="uint16",
                   crs="EPSG:32631", transform=rasterio.transform.from_origin(0, 0, 10, 10)) as target:
    target.write(np.full((1, 8, 8), 7, "uint16"))
with xr.open_dataset("/tmp/a.tif", engine="rasterio") as found:
    print(int(found.band_data.mean()), found.rio.crs.to_epsg())
"""
    assert notebook.python(code).split() == ["7", "32631"]


def test_every_engine_of_xarray_is_there(notebook: Image) -> None:
    """Xarray only warns of an engine that does not load, and then cannot read its files."""
    code = "import warnings; warnings.simplefilter('error'); import xarray as xr; "
    code += "print(*sorted(xr.backends.list_engines()))"
    engines = set(notebook.python(code).split())
    assert {"cfgrib", "h5netcdf", "kerchunk", "netcdf4", "rasterio", "store", "zarr"} <= engines


def test_grib_can_be_written_and_read(notebook: Image) -> None:
    code = """
import eccodes, xarray as xr
message = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
size = eccodes.codes_get_size(message, "values")
eccodes.codes_set_values(message, [280.0] * size)
with open("/tmp/a.grib", "wb") as file:
    eccodes.codes_write(message, file)
found = xr.open_dataset("/tmp/a.grib", engine="cfgrib", backend_kwargs={"indexpath": ""})
print(*[float(variable.mean()) for variable in found.data_vars.values()])
"""
    assert notebook.python(code).split() == ["280.0"]


def test_every_extension_of_the_lab_is_enabled_and_ok(notebook: Image) -> None:
    listed = notebook.run("jupyter", "labextension", "list")
    text = re.sub(r"\x1b\[[0-9;]*m", "", listed.stdout + listed.stderr)
    lines = [line.strip() for line in text.splitlines() if re.match(r"\s+\S+ v\d", line)]
    assert len(lines) >= 25
    assert not [line for line in lines if "enabled" not in line or "OK" not in line]
    print(f"\n{len(lines)} extensions of the Lab: {' '.join(line.split()[0] for line in lines)}")


def test_the_shipped_notebooks_and_the_fonts_come_with_the_start(notebook: Image) -> None:
    done = notebook.run("datalab-start", "sh", "-c", "ls ~/notebooks ~/.cache/matplotlib; pwd; env")
    assert "README.md" in done.stdout
    assert re.search(r"fontlist-v[\d.]+json", done.stdout)
    assert "geodes_datalab/server/lab" in done.stdout
    code = "import sys, matplotlib.font_manager; sys.exit('fontlist' in str(sys.argv))"
    plain = notebook.run("datalab-start", "python", "-W", "error", "-c", code)
    assert plain.returncode == 0
    assert "font cache" not in plain.stderr


def test_a_home_that_takes_nothing_starts_in_rescue_mode(notebook: Image) -> None:
    done = notebook.run("datalab-start", "sh", "-c", "cat RESCUE-MODE.md", HOME="/")
    assert "cannot be written to" in done.stdout or "only be read" in done.stdout
    assert done.returncode == 0


def test_the_first_notebook_runs_to_its_end(
    notebook: Image, geodes_factory: Callable[..., StandIn]
) -> None:
    standin = geodes_factory()
    script = "cp -r ~/notebooks/01-start /tmp/run && cd /tmp/run && jupyter execute 01-first-steps.ipynb && echo done"
    done = notebook.run(
        "datalab-start",
        "sh",
        "-c",
        script,
        GEODES_PORTAL=standin.url,
        GEODES_API_KEY=standin.api_key,
        MPLBACKEND="agg",
    )
    assert done.stdout.endswith("done\n"), done.stderr[-3000:]

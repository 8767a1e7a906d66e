"""Start the kernel of an environment; where that cannot be, one that says so and what to do.

A copy of this file lies in each environment, and its kernel's command is ``python`` with that copy:
Jupyter takes its own Python for the word, which is there whatever has become of the environment's. So it
uses the standard library only, and the ipykernel of that Python for the kernel that tells.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

RECORD = "datalab-environment.json"
"""File of an environment: what it was made of."""

_WHICH = "import sys; print('%d.%d' % sys.version_info[:2])"


def trouble(folder: Path) -> str:
    """Say why an environment cannot be used; an empty text where it can.

    Parameters
    ----------
    folder
        Of the environment.
    """
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        python, base = record["python"], record["base"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"it is not whole: there is no {RECORD} in {folder} that can be read"
    result = _python(folder)
    if result == python and all(map(os.path.isdir, base)):
        return ""
    gone = [path for path in base if not os.path.isdir(path)]  # noqa: PTH112 - texts of JSON
    if gone:
        return f"it was made with Python {python} on top of {gone[0]}, which is gone"
    return (
        f"it was made with Python {python}, and {f'{result} is here' if result else 'that is gone'}"
    )


def _python(folder: Path) -> str:
    """Return the version of the environment's Python, or nothing where it does not run."""
    command = [str(folder / "bin" / "python"), "-I", "-S", "-c", _WHICH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def surroundings(folder: Path) -> dict[str, str]:
    """Return the variables by which programs that a notebook starts are the environment's too."""
    record = json.loads((folder / RECORD).read_text("utf-8"))
    shared = str(Path(record["prefix"]) / "share" / "jupyter")
    before = {"PATH": str(folder / "bin"), "JUPYTER_PATH": shared}
    paths = {
        name: os.pathsep.join([path, *filter(None, [os.environ.get(name)])])
        for name, path in before.items()
    }
    return {**os.environ, **paths, "VIRTUAL_ENV": str(folder)}


def tell(name: str, text: str, arguments: list[str]) -> None:
    """Run a kernel that answers every cell with what is wrong and what to do."""
    from ipykernel.kernelapp import IPKernelApp
    from ipykernel.kernelbase import Kernel

    cure = f"in a terminal: geodes-datalab env renew {name}"
    kind, value = "EnvironmentGone", f'the environment "{name}" cannot be used: {text}'
    shown = f"{kind}: {value}\n  What to do: {cure}\n  (made anew with the same packages; then restart this kernel)"
    answer = {"ename": kind, "evalue": f"{value}; {cure}", "traceback": [shown]}

    class Telling(Kernel):
        implementation = "geodes-datalab"
        implementation_version = "1"
        banner = shown
        language_info = {"name": "python", "mimetype": "text/x-python", "file_extension": ".py"}  # noqa: RUF012

        def do_execute(self, code: str, silent: bool, *others: Any, **more: Any) -> Any:
            me: Any = self  # without types
            if not silent:
                me.send_response(self.iopub_socket, "error", answer)
            return {"status": "error", "execution_count": self.execution_count, **answer}

    IPKernelApp.launch_instance(argv=arguments, kernel_class=Telling)


def main() -> None:
    """Become the environment's kernel, or the one that tells."""
    folder, arguments = Path(__file__).parent, sys.argv[1:]
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != folder.resolve()]
    text = trouble(folder)
    if text:
        sys.stderr.write(f"{folder.name}: {text}; geodes-datalab env renew {folder.name}\n")
        tell(folder.name, text, arguments)
        return
    python = str(folder / "bin" / "python")
    command = [python, "-m", "ipykernel_launcher", *arguments]
    os.execve(python, command, surroundings(folder))  # noqa: S606 - no shell is what is wanted


if __name__ == "__main__":
    main()

"""Links to names that are documented where they are public, not where they are defined.

Annotations hold the module in which a class is written (``geodes_datalab._inputs.times.Interval``); the
reference describes it in the package that offers it. A name of ours that exists but is offered
nowhere stays plain text; one that does not exist stays unresolved, so that `make docs` fails.
"""

from __future__ import annotations

from importlib import import_module

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement
) -> nodes.Node | None:
    target = str(node.get("reftarget", ""))
    module, _, name = target.rpartition(".")
    if node.get("refdomain") != "py" or not module.startswith("geodes_datalab"):
        return None
    domain = env.domains.python_domain
    package = module.rpartition(".")[0]
    while package:
        if f"{package}.{name}" in domain.objects:
            return domain.resolve_xref(
                env, node["refdoc"], app.builder, "obj", f"{package}.{name}", node, text
            )
        package = package.rpartition(".")[0]
    return text if exists(module, name) else None


def exists(module: str, name: str) -> bool:
    try:
        return hasattr(import_module(module), name)
    except ImportError:
        return False


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}

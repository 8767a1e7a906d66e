"""Settings of the documentation site: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import geodes_datalab

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "geodes-datalab"
author = "the geodes-datalab contributors"
copyright = author
release = version = geodes_datalab.__version__

extensions = [
    "commands",
    "missions",
    "myst_parser",
    "notebooks",
    "numpydoc",
    "overview",
    "reexports",
    "settings",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "gallery/notebooks/README*.md", "**/.ipynb_checkpoints"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}

html_static_path = ["_static"]
html_css_files = ["gallery.css"]
html_theme = "furo"
html_title = "geodes-datalab"
html_show_copyright = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 160
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Other projects' objects are named, not linked: their inventories are on other sites, and the
# build must work on a closed network. Our own names must all resolve.
nitpick_ignore_regex = [("py:.*", r"(?!geodes_datalab\b).*")]

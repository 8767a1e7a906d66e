"""Put geodes_datalab.compute.tls in place as soon as a process imports ssl.

Every Python of the images runs this at its start (datalab_tls.pth), before anything is known of what
it will do. So it costs next to nothing until ssl is imported: no import but sys, one object.
"""

import sys


class Watch:
    """A finder that finds nothing but ssl, once."""

    def find_spec(self, name, path=None, target=None):
        """Return the spec of ssl as the other finders do, and the guard after its execution."""
        if name != "ssl":
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader.exec_module = followed(spec.loader.exec_module)
                return spec
        return None


def followed(execute):
    """Return the execution of a module, with the guard after it."""

    def exec_module(module):
        execute(module)
        install()

    return exec_module


def install():
    """Guard this process if its Python and OpenSSL need it."""
    try:
        from geodes_datalab.compute import tls
    except ImportError:  # a Python with other folders on its path (python -P, zipapps): left alone
        return
    tls.install()


if "ssl" in sys.modules:
    install()
else:
    sys.meta_path.insert(0, Watch())

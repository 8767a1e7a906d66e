"""Put guards of geodes_datalab in place as soon as a process imports what they guard.

Every Python of the images runs this at its start (datalab_tls.pth), before anything is known of what
it will do. So it costs next to nothing until one of these is imported: no import but sys, one object.
"""

import sys


NAMES = ("ssl", "certifi", "pyproj.network")


class Watch:
    """A finder that finds nothing but what is guarded, each once."""

    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        """Return the spec as the other finders do, and the guard after its execution."""
        if name not in self.names:
            return None
        self.names.discard(name)
        if not self.names:
            sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader.exec_module = followed(spec.loader.exec_module, name)
                return spec
        return None


def followed(execute, name):
    """Return the execution of a module, with its guard after it."""

    def exec_module(module):
        execute(module)
        install(name)

    return exec_module


def install(name):
    """Guard ssl if its Python and OpenSSL need it; let others trust the authorities of the site."""
    try:
        if name == "ssl":
            from geodes_datalab.compute import tls

            tls.install()
        else:
            from geodes_datalab import _authorities

            _authorities.follow(name)
    except ImportError:  # a Python with other folders on its path (python -P, zipapps): left alone
        return


later = {name for name in NAMES if name not in sys.modules}
for found in set(NAMES) - later:
    install(found)
if later:
    sys.meta_path.insert(0, Watch(later))

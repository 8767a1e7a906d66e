"""The users' homes from outside: what they hold, as metrics, and a read-only view for administrators.

``measure``
    the size of a folder, at a pace that leaves its disk to the people who work there
``places``
    which folders of a shared claim are homes, and how to open one without following a link out of it
``metrics``
    sizes of all homes for Prometheus
``view``
    what administrators see, with a line in the log for everything that is shown
``python -m geodes_datalab.hub.homes``
    the service that does both, in a pod that mounts the homes read-only
"""

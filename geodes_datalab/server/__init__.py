"""What runs in the server of a user: its start, extensions of Jupyter Server, settings of the Lab.

``start``
    the command that a server is started by: notebooks, limits, a rescue where the home takes nothing
``lab``, ``lab_fr``
    folders of Jupyter's configuration: settings of the Lab, extensions switched on and off
``activity``, ``dashboards``, ``home_usage``, ``language``, ``late``, ``terminals``
    extensions of the server
``export``, ``language_server``, ``notebooks_sync``
    programs that it runs

Knows nothing of the hub, whose settings reach it as variables of its environment.
"""

"""How servers of users start: as processes of this machine, or as pods."""

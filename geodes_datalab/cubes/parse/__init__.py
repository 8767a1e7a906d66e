"""From items to a table of what could be read: files, bands, and what catalogues tell of their numbers. Nothing is asked of any server."""

"""Items: what catalogues send, made clean, held, shown and written."""

"""Programs that answer others over HTTP from the catalogue."""

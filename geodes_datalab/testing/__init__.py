"""Fakes, data makers and the stand-in GEODES, for tests, offline workshops and the local mode."""

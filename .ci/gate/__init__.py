"""The gate before main: every tier of checks, one after the other, within one budget of time."""

"""From a plan to lazy arrays, in three ways."""

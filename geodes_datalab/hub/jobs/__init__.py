"""Jobs of the chart: what runs once, at an installation or an upgrade, with the hub's image."""

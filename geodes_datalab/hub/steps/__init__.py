"""Steps of `geodes_datalab.hub.apply`, one module per subject; each has one ``apply(settings, c)``."""

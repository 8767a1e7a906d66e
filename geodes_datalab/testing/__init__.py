"""What tests of other projects may register with pytest: the stand-in GEODES as fixtures."""

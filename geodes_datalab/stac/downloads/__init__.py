"""Files of items on the disk: what they are called, how they come, and which version lies there."""

"""The pixel grid of a cube, and the seams of the world that it may meet."""

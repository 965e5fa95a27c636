"""The window's panels, one per task."""

"""Marking a region of the picture on the canvas."""

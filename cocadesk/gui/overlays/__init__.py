"""Maps laid over the picture on the canvas, and lenses that show others within."""

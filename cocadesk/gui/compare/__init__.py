"""Two models, or two settings, on the same picture."""

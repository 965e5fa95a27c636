"""Opening pictures, clips and folders. No Qt, no torch."""

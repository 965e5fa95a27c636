"""What each model is, and where its weights are on this machine. No Qt, no torch."""

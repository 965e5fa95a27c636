"""Jobs, the inference thread and the I/O pool."""

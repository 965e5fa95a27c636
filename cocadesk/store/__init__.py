"""Settings and history on disk. Knows only `types` and `paths`."""

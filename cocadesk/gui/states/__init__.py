"""The window of the states that a model keeps: cached while it captions, and hidden ones through its layers."""

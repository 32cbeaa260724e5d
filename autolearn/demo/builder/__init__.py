"""Builds and measures the built-in model; the app does not need it."""

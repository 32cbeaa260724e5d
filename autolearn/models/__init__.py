"""Models on disk: found, checked, measured; what they need of memory; no torch."""

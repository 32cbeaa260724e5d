"""Optional experiment trackers; by default, nothing is tracked."""

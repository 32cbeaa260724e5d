"""Experiment trackers, which a person may ask for; nothing is tracked otherwise."""

"""Prepare the items that a round trains on: approved samples, replay, presets."""

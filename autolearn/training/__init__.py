"""What a round trains on: approved samples as items, replay, presets; no torch."""

"""Models on disk: find, check and measure them, predict their memory; no torch."""

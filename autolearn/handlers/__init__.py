"""What the workers do for each kind of run."""

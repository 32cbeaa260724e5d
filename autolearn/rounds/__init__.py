"""What a round learns, collected from the workspace."""

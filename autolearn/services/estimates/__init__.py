"""What a run would train on, how long it takes and how much memory it needs."""

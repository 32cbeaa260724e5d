"""Ways to a model: scripted for tests, huggingface for real ones."""

"""The loop of the two papers, in text only: see ``loop``."""

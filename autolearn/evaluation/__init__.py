"""Evaluate rounds with quiz and control, and models with the skill check."""

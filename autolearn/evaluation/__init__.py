"""Evaluate rounds by quiz and control set, and models by the skill check."""

"""Shared by the page and the command line: actions, estimates, pipeline, doctor."""

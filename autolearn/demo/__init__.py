"""The built-in demo: an invented world and its library.

It is not needed for work with real models and texts.
"""

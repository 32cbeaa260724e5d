"""The built-in demo: an invented world, its library and the tiny model that reads it.

Nothing here is needed to work with real models and real texts.
"""

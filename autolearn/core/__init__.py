"""Values that every other package uses; the standard library alone."""

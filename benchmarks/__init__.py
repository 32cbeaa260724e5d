"""Measurements of what the page has to do quickly; none of them runs with the tests."""

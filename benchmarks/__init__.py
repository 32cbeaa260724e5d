"""Benchmarks of speed and memory. None of them runs with the tests."""

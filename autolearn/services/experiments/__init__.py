"""Experiments: comparisons of arms, and rounds of self-evolution."""

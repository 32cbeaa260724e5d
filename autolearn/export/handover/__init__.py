"""A round as data and configuration for the trainers of other projects."""

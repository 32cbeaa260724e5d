"""The queues of runs, the worker processes that empty them, and the control of runs."""

"""The queues of runs and the worker processes that empty them."""

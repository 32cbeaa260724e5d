"""Documents and model folders that were made to hang, crash or fill the memory.

``python -m benchmarks.hostile`` reads all of them and prints a table. The tests read
some. Everything is generated; nothing of it is in the repository.
"""

"""Sources of models: the Hugging Face hub, its local cache, and GGUF files.

Nothing here loads torch or reads weights.
"""

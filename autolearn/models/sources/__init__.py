"""Where models come from: the Hugging Face hub, its cache on this computer, GGUF files.

Nothing here loads torch, and no weights are read.
"""

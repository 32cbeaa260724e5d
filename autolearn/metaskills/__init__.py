"""Meta-skill corpora (arXiv 2310.00533): read from files, made into training items."""

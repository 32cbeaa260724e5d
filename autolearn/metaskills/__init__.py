"""Turn gold examples into training items for meta-skills (arXiv 2310.00533)."""

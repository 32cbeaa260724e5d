"""Generate many texts at once; tokens that prompts share are computed once."""

"""Write many texts at once; what prompts share is computed once."""

"""Train a LoRA adapter on the items of a round."""

"""Write text and train with a real model: load, generate, judge, train.

Built on transformers, peft and bitsandbytes; knows nothing of passages or rounds.
"""

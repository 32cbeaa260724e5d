"""Write text and train with a real model: load, generate, judge, train.

Built on transformers, peft and bitsandbytes; knows nothing of passages or rounds.
"""

import os

from autolearn.models.memory import PROGRAMS

# Read by oneDNN when torch first multiplies on a CPU.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(PROGRAMS))

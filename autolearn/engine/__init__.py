"""Load, generate, judge and train with a real model.

Built on transformers, peft and bitsandbytes. The engine knows nothing of passages,
samples or rounds.
"""

import os

from autolearn.models.memory import PROGRAMS

# oneDNN reads this variable once, when torch first multiplies on a CPU, so it must be
# set before torch runs. A smaller limit than oneDNN's 1,024 compiled programs saves
# about 100 MiB in a study of the built-in library (docs/engine.md, Memory).
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(PROGRAMS))

# bitsandbytes passes functions to torch.compile while it is imported, which loads the
# whole compiler (1.2 s of computing time). Nothing that the engine calls is compiled.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")

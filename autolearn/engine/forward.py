"""What a model in training expects of answers, with its adapter and without."""

from collections.abc import Sequence

import torch
from torch import Tensor

from autolearn.engine import adapters, losses
from autolearn.engine.batches import (
    IGNORED,
    Batch,
    Example,
    Row,
    collate,
    micro_batches,
)
from autolearn.engine.load import Loaded


class Forward:
    """A loaded model with an adapter on it, looked at through answers."""

    def __init__(self, loaded: Loaded):
        self._loaded = loaded

    def log_probs(self, rows: Sequence[Row]) -> Tensor:
        """Return the log-probability of each answer, (B,) float32, with gradient."""
        batch = self.collate(rows)
        return losses.answer_log_probs(self.logits(batch), batch.targets)

    def divergence(self, rows: Sequence[Row]) -> Tensor:
        """Return KL(base || round), summed over answer tokens, with gradient.

        Shapes:
            returns: () float32.
        """
        batch = self.collate(rows)
        with torch.no_grad(), adapters.without(self._loaded.model):
            base = self.logits(batch)
        return losses.divergence(base, self.logits(batch), batch.targets)

    @torch.no_grad()
    def mean_divergence(self, examples: Sequence[Example]) -> float | None:
        """Return KL(base || round) per answer token; None for no examples."""
        n_tokens = sum(example.chosen.n_answer for example in examples)
        total = sum(
            self.divergence([example.chosen for example in part]).item()
            for part in micro_batches(examples)
        )
        return total / n_tokens if n_tokens else None

    @torch.no_grad()
    def exact_share(self, examples: Sequence[Example]) -> float | None:
        """Return the share of answers that greedy writing would give word for word.

        Read at one look: an answer is given so if each of its tokens, its end included,
        is the likeliest after those before it. None for no examples.
        """
        n_exact = 0
        for part in micro_batches(examples):
            batch = self.collate([example.chosen for example in part])
            likeliest = self.logits(batch).argmax(dim=2)
            outside = batch.targets == IGNORED
            hit = (likeliest == batch.targets) | outside
            n_exact += int(hit.all(dim=1).sum())
        return n_exact / len(examples) if examples else None

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Return the rows as a batch on the device of the model."""
        return collate(rows, self._loaded.pad_id, self._loaded.device)

    def logits(self, batch: Batch) -> Tensor:
        """Return what the model expects at each place of the targets.

        Shapes:
            returns: (B, K, V) in the dtype of the base.
        """
        device, half = self._loaded.device, self._loaded.identity.dtype == "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            # The model's own forward, not its trunk and head apart: some kinds scale
            # or cap their logits in between. One more place is asked for, since each
            # token is foretold at the one before it.
            logits = self._loaded.model(
                input_ids=batch.ids,
                attention_mask=batch.mask,
                position_ids=batch.places,
                use_cache=False,
                logits_to_keep=batch.targets.shape[1] + 1,
            ).logits
        found: Tensor = logits[:, :-1]
        return found

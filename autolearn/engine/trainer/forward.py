"""What a model in training expects of answers, with its adapter and without."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import Module

from autolearn.engine import adapters
from autolearn.engine.decoding.padded_rows import can_share
from autolearn.engine.load import Loaded
from autolearn.engine.trainer import losses
from autolearn.engine.trainer.batches import Batch, Example, Row, collate, micro_batches
from autolearn.engine.trainer.losses import Likeliest
from autolearn.models.memory import AT_ONCE


class Forward:
    """A loaded model with an adapter on it, looked at through answers."""

    def __init__(self, loaded: Loaded):
        self._loaded = loaded
        shares = can_share(loaded)
        self.price = loaded.price if shares else 0
        """What decides whether rows are laid out as trees; see ``batches.collate``."""
        self.at_once = AT_ONCE
        """Most tokens that go through the model at once."""

    def parts(self, examples: Sequence[Example]) -> Iterator[list[Example]]:
        """Yield examples in parts that fit the device."""
        return micro_batches(examples, self.price, self.at_once)

    def log_probs(self, rows: Sequence[Row]) -> Tensor:
        """Return the log-probability of each answer, (B,) float32, with gradient."""
        return self.both(rows, (), ())[0]

    def both(
        self, rows: Sequence[Row], held: Sequence[Row], expected: Sequence[Likeliest]
    ) -> tuple[Tensor, Tensor]:
        """Return the log-probability of answers, and how far others have moved.

        In one pass: a small model spends as much on a pass as on hundreds of tokens.

        Args:
            rows: Those of which the log-probability is returned.
            held: Those of which KL(base || round) is, summed over answer tokens, on
                the tokens that the base finds likeliest; see
                ``losses.divergence_of_likeliest``.
            expected: What the base expects of these; see ``expected``.

        Shapes:
            returns: (len(rows),) and () float32, with gradient.
        """
        batch = self.collate([*rows, *held])
        is_new = batch.owner < len(rows)
        looked_at = batch.targets[:, None]
        base = None
        if held:
            order = batch.owner[~is_new].unique_consecutive() - len(rows)  # type: ignore[no-untyped-call]
            base = losses.joined([expected[i] for i in order.tolist()])
            looked_at = looked_at.repeat(1, base.ids.shape[1])
            looked_at[~is_new] = base.ids.long()
        found = losses.token_log_probs(self.logits(batch), looked_at)
        answers = losses.per_answer(
            found[is_new, 0], batch.owner[is_new], n_answers=len(rows)
        )
        if base is None:
            return answers, answers.new_zeros(())
        return answers, losses.divergence_of_likeliest(base.log_probs, found[~is_new])

    @torch.no_grad()
    def expected(self, rows: Sequence[Row]) -> list[Likeliest]:
        """Return what the base expects for each token of each answer."""
        batch = self.collate(rows)
        with adapters.without(self._loaded.model):
            found = losses.likeliest(self.logits(batch))
        return [found.at(batch.owner == i) for i in range(len(rows))]

    @torch.no_grad()
    def mean_divergence(self, examples: Sequence[Example]) -> float | None:
        """Return KL(base || round) per answer token; None for no examples.

        Over the whole vocabulary, so that it can be compared with any other measure.
        """
        n_tokens = sum(example.chosen.n_answer for example in examples)
        total = 0.0
        for part in self.parts(examples):
            batch = self.collate([example.chosen for example in part])
            with adapters.without(self._loaded.model):
                base = self.logits(batch)
            total += losses.divergence(base, self.logits(batch)).item()
        return total / n_tokens if n_tokens else None

    @torch.no_grad()
    def mean_probability(self, examples: Sequence[Example]) -> float | None:
        """Return the mean probability of the answers, 0..1; None for no examples."""
        total = sum(
            float(self.log_probs([example.chosen for example in part]).exp().sum())
            for part in self.parts(examples)
        )
        return total / len(examples) if examples else None

    @torch.no_grad()
    def exact_share(self, examples: Sequence[Example]) -> float | None:
        """Return the share of answers that greedy writing would give word for word.

        Read at one look: an answer is given so if each of its tokens, its end included,
        is the likeliest after those before it. None for no examples.
        """
        n_exact = 0
        for part in self.parts(examples):
            batch = self.collate([example.chosen for example in part])
            missed = self.logits(batch).argmax(dim=1) != batch.targets
            n_exact += batch.n_answers - len(set(batch.owner[missed].tolist()))
        return n_exact / len(examples) if examples else None

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Return the rows as a batch on the device of the model."""
        loaded = self._loaded
        return collate(rows, loaded.pad_id, loaded.device, self.price)

    def logits(self, batch: Batch) -> Tensor:
        """Return what the model expects for each token of the answers.

        Only there: the head takes as long as a layer or several, and what it returns is
        the largest tensor of a step.

        Shapes:
            returns: (N, V) in the dtype of the base.
        """
        model = self._loaded.model
        device, half = self._loaded.device, self._loaded.identity.dtype == "bfloat16"

        def picked(_: Module, given: tuple[Tensor, ...]) -> tuple[Tensor]:
            return (given[0][batch.row, batch.column][None],)

        # The model's own forward, not its trunk and head apart: some kinds scale or cap
        # their logits in between, number by number. So the head is only given less.
        hook = model.get_output_embeddings().register_forward_pre_hook(picked)
        try:
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                logits: Tensor = model(
                    input_ids=batch.ids,
                    attention_mask=self._mask(batch),
                    position_ids=batch.places,
                    use_cache=False,
                    logits_to_keep=batch.kept,
                ).logits[0]
        finally:
            hook.remove()
        return logits

    def _mask(self, batch: Batch) -> Tensor:
        if batch.is_plain:
            return (batch.first <= batch.last).long()
        seen = _visible(batch.first, batch.last, batch.places)
        dtype = self._loaded.model.dtype
        mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
        # Not minus infinity: a padded place sees nothing, and must not become NaN.
        return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None]


def _visible(first: Tensor, last: Tensor, places: Tensor) -> Tensor:
    """Return which columns of its row each one sees: where it comes from, and itself.

    Shapes:
        first, last, places: (B, T) int64.
        returns: (B, T, T) bool, the one that looks before the one that is seen.
    """
    return (
        (first[:, None, :] <= first[:, :, None])
        & (last[:, :, None] <= last[:, None, :])
        & (places[:, None, :] <= places[:, :, None])
    )

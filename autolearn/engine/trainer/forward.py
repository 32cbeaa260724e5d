"""Forward passes of a model in training, with and without its adapter.

Logits only for learned tokens.
    What: the output layer runs only at positions whose next token belongs to an answer.
    Why: with the vocabularies of real models, 49,000 to 152,000 entries, the logits of
    prompts would take most of the time and memory of a step.

New items and replay share one pass.
    What: one forward pass handles both; the gradient is that of the sum of both losses.
    Why: a small model spends as much on a pass as on hundreds of tokens. Gain: 60 steps
    of demo 1 took 12.9, 11.8 and 10.2 s on two cores instead of 16.8, 14.1 and 16.4 s
    with separate passes.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import Module

from autolearn.engine import adapters
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer import losses
from autolearn.engine.trainer.batches import Batch, Example, Row, collate, micro_batches
from autolearn.engine.trainer.losses import Likeliest
from autolearn.engine.trainer.process_group import ONE, Processes
from autolearn.models.memory import AT_ONCE


class Forward:
    """Computes probabilities and divergences of answers with a loaded model."""

    def __init__(self, lm: LoadedModel, processes: Processes = ONE):
        """Prepare passes; the measures are sums over the shares of all processes."""
        self._lm = lm
        self._processes = processes
        self.token_cost = lm.token_cost if lm.layouts.trees else 0
        """Decides whether rows are laid out as trees; see ``batches.collate``."""
        self.at_once = AT_ONCE
        """Most tokens in one pass."""

    def parts(self, examples: Sequence[Example]) -> Iterator[list[Example]]:
        """Yield examples in parts that fit into one pass each."""
        return micro_batches(examples, self.token_cost, self.at_once)

    def own_parts(self, examples: Sequence[Example]) -> Iterator[list[Example]]:
        """Yield the share of this process in parts that fit into one pass each."""
        return self.parts(self._processes.share(examples))

    def log_probs(self, rows: Sequence[Row]) -> Tensor:
        """Return the log-probability of each answer, (B,) float32, with gradient."""
        return self.both(rows, (), ())[0]

    def both(
        self,
        rows: Sequence[Row],
        replay_rows: Sequence[Row],
        base_predictions: Sequence[Likeliest],
    ) -> tuple[Tensor, Tensor]:
        """Return the log-probability of answers, and the divergence of replay answers.

        Args:
            rows: New items, for the log-probability.
            replay_rows: Replay items, for KL(base || round) summed over answer tokens;
                see ``losses.divergence_of_likeliest``.
            base_predictions: The base model's predictions for the replay items; see
                ``base_predictions``.

        Shapes:
            returns: (len(rows),) and () float32, with gradient.
        """
        batch = self.collate([*rows, *replay_rows])
        # Column 0 is the answer token; replay rows also read the likeliest tokens.
        is_new = batch.owner < len(rows)
        token_ids = batch.targets[:, None]
        base = None
        if replay_rows:
            # Trees reorder the answers, so the predictions are put into the order of
            # the batch.
            order = batch.owner[~is_new].unique_consecutive() - len(rows)  # type: ignore[no-untyped-call]
            base = losses.concatenate([base_predictions[i] for i in order.tolist()])
            token_ids = token_ids.repeat(1, base.ids.shape[1])
            token_ids[~is_new] = base.ids.long()
        log_probs = losses.token_log_probs(self.logits(batch), token_ids)
        answers = losses.per_answer(
            log_probs[is_new, 0], batch.owner[is_new], n_answers=len(rows)
        )
        if base is None:
            return answers, answers.new_zeros(())
        return answers, losses.divergence_of_likeliest(
            base.log_probs, log_probs[~is_new]
        )

    @torch.no_grad()
    def base_predictions(self, rows: Sequence[Row]) -> list[Likeliest]:
        """Return the base model's predictions for each token of each answer."""
        batch = self.collate(rows)
        with adapters.without(self._lm.model):
            predictions = losses.likeliest(self.logits(batch))
        return [predictions.at(batch.owner == i) for i in range(len(rows))]

    def no_predictions(self, n_tokens: int) -> Likeliest:
        """Return zeros in place of the base model's predictions for some tokens."""
        n_logits = self._lm.model.get_output_embeddings().out_features
        return losses.zeros(n_tokens, n_logits, self._lm.device)

    @torch.no_grad()
    def mean_divergence(self, examples: Sequence[Example]) -> float | None:
        """Return KL(base || round) per answer token in nats; None for no examples.

        It covers the whole vocabulary, so it can be compared with other measurements.
        """
        # Divided at the end: parts have different numbers of tokens.
        n_tokens = sum(example.chosen.n_answer for example in examples)
        total = 0.0
        for part in self.own_parts(examples):
            batch = self.collate([example.chosen for example in part])
            with adapters.without(self._lm.model):
                base = self.logits(batch)
            total += losses.divergence(base, self.logits(batch)).item()
        (total,) = self._processes.totals([total])
        return total / n_tokens if n_tokens else None

    @torch.no_grad()
    def mean_probability(self, examples: Sequence[Example]) -> float | None:
        """Return the mean probability of the answers, 0..1; None for no examples."""
        total: float = sum(
            float(self.log_probs([example.chosen for example in part]).exp().sum())
            for part in self.own_parts(examples)
        )
        (total,) = self._processes.totals([total])
        return total / len(examples) if examples else None

    @torch.no_grad()
    def exact_share(self, examples: Sequence[Example]) -> float | None:
        """Return the share of answers that greedy decoding would reproduce exactly.

        One pass without decoding: an answer counts if each of its tokens, its end
        included, is the likeliest after those before it. None for no examples.
        """
        # A single wrong token makes its answer inexact.
        n_exact = 0.0
        for part in self.own_parts(examples):
            batch = self.collate([example.chosen for example in part])
            is_wrong = self.logits(batch).argmax(dim=1) != batch.targets
            n_exact += batch.n_answers - len(set(batch.owner[is_wrong].tolist()))
        (n_exact,) = self._processes.totals([n_exact])
        return n_exact / len(examples) if examples else None

    def collate(self, rows: Sequence[Row]) -> Batch:
        """Return rows as a batch on the device of the model."""
        lm = self._lm
        return collate(rows, lm.pad_id, lm.device, self.token_cost)

    def logits(self, batch: Batch) -> Tensor:
        """Return the logits for each token of the answers.

        The output layer takes as long as one or several other layers, and its output is
        the largest tensor of a step.

        Shapes:
            returns: (N, V) in the dtype of the base.
        """
        model = self._lm.model
        device = self._lm.device.type
        in_16_bit = self._lm.identity.dtype == "bfloat16"

        def select_answers(_: Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
            return (inputs[0][batch.row, batch.column][None],)

        # The model's own forward is called, since some families scale or cap their
        # logits after the output layer. A hook selects the input of that layer instead.
        hook = model.get_output_embeddings().register_forward_pre_hook(select_answers)
        try:
            with torch.autocast(device, torch.bfloat16, enabled=in_16_bit):
                logits: Tensor = model(
                    input_ids=batch.ids,
                    attention_mask=self._mask(batch),
                    position_ids=batch.places,
                    use_cache=False,
                    logits_to_keep=batch.logit_columns,
                ).logits[0]
        finally:
            hook.remove()
        return logits

    def _mask(self, batch: Batch) -> Tensor:
        # One text per row: the library needs to know the padding only.
        if batch.is_plain:
            return (batch.first <= batch.last).long()
        visible = _visible(batch.first, batch.last, batch.places)
        dtype = self._lm.model.dtype
        mask = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
        # Not minus infinity: a padding position sees nothing, and softmax would give
        # NaN.
        return mask.masked_fill_(~visible, torch.finfo(dtype).min)[:, None]


def _visible(first: Tensor, last: Tensor, places: Tensor) -> Tensor:
    """Return which columns of its row each column attends to: its ancestors and itself.

    Shapes:
        first, last, places: (B, T) int64.
        returns: (B, T, T) bool, queries before keys.
    """
    # The members of an ancestor include those of its descendants: its first one comes
    # no later and its last one no earlier. Padding, (1, 0), is the ancestor of no
    # column.
    return (
        (first[:, None, :] <= first[:, :, None])
        & (last[:, :, None] <= last[:, None, :])
        & (places[:, None, :] <= places[:, :, None])
    )

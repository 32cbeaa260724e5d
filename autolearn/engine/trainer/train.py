"""Train a LoRA adapter on the items of a round, on a 4-bit or full-precision base.

Only the adapter is trained (QLoRA). New items teach. On replay items, the base model's
own answers, the round is kept close to the base.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from heapq import nlargest
from math import fsum, isfinite
from operator import attrgetter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from autolearn.core.atomic import atomic_folder
from autolearn.core.errors import TrainingError
from autolearn.core.ports import Watcher
from autolearn.core.records import DRIFT_PROBE, TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.engine import adapters, device_memory
from autolearn.engine.load import LoadedModel, memory_guard
from autolearn.engine.trainer import adapter_scale, losses, optimizer
from autolearn.engine.trainer.base_logits import BaseLogits
from autolearn.engine.trainer.batches import (
    WINDOW,
    Example,
    Schedule,
)
from autolearn.engine.trainer.checkpoints import Checkpoints, State
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.loss_weights import LossWeights
from autolearn.engine.trainer.lr_schedule import LRSchedule
from autolearn.engine.trainer.memory_fit import BatchSizer
from autolearn.engine.trainer.outcome import Outcome
from autolearn.engine.trainer.process_group import ONE, Processes
from autolearn.engine.trainer.reference import ReferenceLogProbs
from autolearn.engine.trainer.round_examples import RoundExamples
from autolearn.models import hardware, memory_calibration
from autolearn.models.files import adapter_digest
from autolearn.training.replay import in_step


class RoundTrainer:
    """One round: a model, the items that its adapter learns from, and the settings."""

    def __init__(
        self,
        lm: LoadedModel,
        items: Sequence[TrainItem],
        settings: TrainSettings,
        processes: Processes = ONE,
    ):
        """Prepare the items; ``processes`` are those that train this round together.

        Raises:
            TrainingError: None of them can be learned.
        """
        lm.packed_linears.drop()  # training does not use the packed copies
        lm.prefixes.clear()
        self._lm = lm
        self._processes = processes
        self._forward = Forward(lm, processes)
        self._base_logits = BaseLogits(self._forward)
        self._settings = settings
        self._items = items
        longest = min(settings.max_tokens, lm.context_length)
        self._examples = RoundExamples(items, lm.chat, longest)
        self._dropped = self._examples.dropped
        self._new = self._examples.new
        self._replay = self._examples.of("replay") if settings.replays else []
        self._batch_sizer = BatchSizer(
            lm, self._forward, processes, settings, self._new, self._replay
        )
        self._best = 0.0
        self._n_replay = in_step(settings, len(self._new), len(self._replay))
        self._reference = ReferenceLogProbs(self._forward)
        self._new_schedule = self._schedule(
            self._new, settings.batch_size, settings.seed
        )
        self._lr_schedule = LRSchedule(settings, self._new_schedule.steps_per_epoch)
        self._replay_schedule = self._schedule(
            self._replay, max(1, self._n_replay), settings.seed + 1, len(self._replay)
        )

    def _schedule(
        self, examples: list[Example], batch_size: int, seed: int, window: int = WINDOW
    ) -> Schedule:
        ids = [example.chosen.ids for example in examples]
        return Schedule(ids, batch_size, seed, self._forward.token_cost, window)

    @property
    def n_steps(self) -> int:
        """Return the number of optimiser steps of the round, as far as it is known."""
        return self._lr_schedule.n_steps

    def run(
        self, watcher: Watcher, *, start: Path | None, checkpoints: Path, output: Path
    ) -> Outcome:
        """Train the adapter and save it in ``output``; it stays attached.

        The checkpoints stay, so that a kill before the end is recorded costs little.

        Raises:
            TrainingError: The loss is not a number, or the checkpoint is of other work.
            OutOfMemory: The device is too small for a step.
        """
        is_first = self._processes.number == 0
        store = Checkpoints(checkpoints, self._fingerprint(start), writes=is_first)
        state = store.newest()
        step = state["step"] if state else 0
        hardware.release_memory()
        baseline = device_memory.bytes_in_use(self._lm.device)
        with memory_guard(), self._evaluation_mode_afterwards():
            self._set_up(start)
            if not self._prepare(watcher):
                return Outcome(step, finished=False, dropped=self._dropped)
            if state is not None:
                self._restore(state)
            self._processes.check_equal(self._parameters.values())
            watcher.on_probe(step, self._measure_largest_step(baseline))
            step = self._loop(watcher, step, store)
            if step < self.n_steps:
                return Outcome(step, finished=False, dropped=self._dropped)
            scores = self._choose_scale(start, store)
        if is_first:
            with atomic_folder(output) as draft:
                adapters.save(self._lm, draft)
        return Outcome(
            step, True, dropped=self._dropped, scores=scores, notes=store.notes
        )

    @contextmanager
    def _evaluation_mode_afterwards(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._lm.model.eval()

    def _measure_largest_step(self, baseline: int) -> dict[str, float]:
        """Measure the memory of the largest step and discard its gradient.

        Too little memory shows before the round begins, not an hour into it.
        """
        longest = nlargest(
            self._settings.batch_size, self._new, key=attrgetter("length")
        )
        replay = nlargest(self._n_replay, self._replay, key=attrgetter("length"))
        with device_memory.PeakMemory(self._lm.device, every=0.002) as peak:
            self._batch_sizer.retry_on_oom(lambda: self._gradient(longest, replay))
        self._optimizer.zero_grad(set_to_none=True)
        share = self._processes.share([*longest, *replay])
        estimate = self._batch_sizer.estimate(share)
        # Adam allocates its moments at the first step, so they are added here.
        moments = 0 if self._optimizer.state else estimate.moments
        return memory_calibration.numbers(estimate, baseline, peak.bytes + moments)

    def _gradient(
        self, examples: list[Example], replay: list[Example]
    ) -> dict[str, float]:
        """Compute the gradient of the share of a step; return its metrics.

        Summed over processes, the metrics are those of the whole step. Replay counts by
        its KL per answer token, times ``replay_weight``.
        """
        self._optimizer.zero_grad(set_to_none=True)
        weights = LossWeights.of(examples, self._settings.nll_weight)
        n_replay_tokens = sum(example.chosen.n_answer for example in replay)
        margins: list[float] = []
        loss = kl = 0.0
        for part in self._forward.own_parts([*examples, *replay]):
            new = [example for example in part if example.kind != "replay"]
            replay_part = [example for example in part if example.kind == "replay"]
            rows = [e.chosen for e in new] + [row for e in new for row in e.rows[1:]]
            log_probs, divergence = self._forward.both(
                rows,
                [e.chosen for e in replay_part],
                self._base_logits.predictions(replay_part),
            )
            new_loss, part_margins = self._loss(new, log_probs, weights)
            margins += part_margins
            divergence = divergence / (n_replay_tokens or 1)
            (new_loss + self._settings.replay_weight * divergence).backward()  # type: ignore[no-untyped-call]
            loss += new_loss.item()
            kl += divergence.item()
        numbers = {"loss": loss}
        if weights.n_pairs:
            numbers["reward_margin"] = fsum(margins) / weights.n_pairs
        if replay:
            numbers["replay_kl"] = kl
        return numbers

    def _loop(self, watcher: Watcher, step: int, store: Checkpoints) -> int:
        """Take steps until the end or a request to stop; return the number of steps."""
        saved_at = time.monotonic()
        while step < self.n_steps:
            metrics = self._step(step)
            step += 1
            metrics |= self._validate(step, store)
            watcher.on_step(step, self.n_steps, metrics)
            age = time.monotonic() - saved_at
            is_stopped, is_due = self._processes.any(
                watcher.stop(), age >= self._settings.checkpoint_seconds
            )
            if is_stopped or is_due:
                store.save(step, self._state())
                saved_at = time.monotonic()
            if is_stopped:
                break
        return step

    def _validate(self, step: int, store: Checkpoints) -> dict[str, float]:
        """Return the share of validation that is answered exactly, after each epoch.

        If it is high enough, the round cools down. The best checkpoint is stored.
        """
        if step % self._lr_schedule.steps_per_epoch:
            return {}
        share = self._forward.exact_share(self._examples.of("validation"))
        if share is None:
            return {}
        if self._lr_schedule.learned_at is None and 0 < self._settings.stop_at <= share:
            self._lr_schedule.learned_at = step
        if share > self._best and step < self.n_steps:
            self._best = share
            store.save_best(step, self._state())
        return {"validation": share}

    def _choose_scale(self, start: Path | None, store: Checkpoints) -> dict[str, Any]:
        """Choose the scale of the trained adapter; return what was measured.

        If the final adapter answers clearly less of validation than the best checkpoint
        did, that checkpoint is used. The round has then overfitted its items.
        """
        scores = self._measure_scales(start)
        if self._best - (scores["validation"] or 0.0) <= adapter_scale.TOLERANCE:
            return scores
        state = store.best()
        if state is None:
            return scores
        self._load_adapter(state["adapter"])
        return self._measure_scales(start) | {"best_at": state["step"]}

    def _measure_scales(self, start: Path | None) -> dict[str, Any]:
        validation = self._examples.of("validation")
        probe = self._examples.of(DRIFT_PROBE)
        # An adapter that continues another one holds older rounds too, which this
        # round's validation does not measure.
        is_free = self._settings.choose_scale and validation and start is None

        def measure(scale: float) -> adapter_scale.ScaleMeasurement:
            share = self._forward.exact_share(validation)
            confidence = self._forward.mean_probability(validation)
            return adapter_scale.ScaleMeasurement(scale, share, confidence)

        def drift() -> float | None:
            return self._forward.mean_divergence(probe)

        scales = adapter_scale.SCALES if is_free else adapter_scale.SCALES[:1]
        return adapter_scale.choose_scale(self._parameters, scales, measure, drift)

    def _set_up(self, start: Path | None) -> None:
        recompute = self._batch_sizer.plan()
        if start is None:
            adapters.attach_new(self._lm, self._settings)
        else:
            adapters.attach(self._lm, start, trainable=True)
        model = self._lm.model
        # Evaluation mode has no dropout, so base, reference and round are comparable.
        model.eval()
        if recompute:
            _recompute_activations(model)
        self._parameters = {
            name: p for name, p in model.named_parameters() if p.requires_grad
        }
        self._optimizer = optimizer.create(
            list(self._parameters.values()), self._settings
        )

    def _prepare(self, watcher: Watcher) -> bool:
        """Compute reference and base predictions; return False if stopped."""
        pairs = [example for example in self._new if example.rejected is not None]
        is_ready = self._batch_sizer.retry_on_oom(
            lambda: (
                self._reference.prepare(pairs, watcher.stop)
                and self._base_logits.prepare(self._replay, watcher.stop)
            )
        )
        (is_stopped,) = self._processes.any(not is_ready)
        if is_stopped:
            return False
        self._reference.complete(pairs, self._processes)
        self._base_logits.complete(self._replay, self._processes)
        return True

    def _step(self, step: int) -> dict[str, float]:
        """Take one optimiser step and return its numbers."""
        started_at = time.perf_counter()
        rate = self._lr_schedule.rate(step)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        examples = [self._new[i] for i in self._new_schedule.batch(step)]
        places = self._replay_schedule.batch(step) if self._n_replay else ()
        replay = [self._replay[i] for i in places]
        share = self._batch_sizer.retry_on_oom(lambda: self._gradient(examples, replay))
        self._processes.add_up_gradients(self._parameters.values())
        totals = self._processes.totals(share.values())
        numbers = dict(zip(share, totals, strict=True)) | {"learning_rate": rate}
        limit = self._settings.max_grad_norm
        norm = clip_grad_norm_(self._parameters.values(), limit)
        numbers["grad_norm"] = float(norm)
        if not all(isfinite(number) for number in numbers.values()):
            raise TrainingError(
                f"The loss of step {step + 1} is not a number; lower the learning "
                "rate and train again."
            )
        self._optimizer.step()
        rows = [row for example in [*examples, *replay] for row in example.rows]
        numbers["tokens"] = sum(len(row.ids) for row in rows)
        seconds = time.perf_counter() - started_at
        numbers["tokens_per_second"] = numbers["tokens"] / seconds
        return numbers

    def _loss(
        self, part: list[Example], log_probs: Tensor, weights: LossWeights
    ) -> tuple[Tensor, list[float]]:
        """Return the loss of new items, and the reward margins of the pairs among them.

        Shapes:
            log_probs: (N,) of all chosen answers, then of the rejected ones.
        """
        pairs = [i for i, example in enumerate(part) if example.rejected is not None]
        chosen = log_probs[: len(part)]
        scale = [weights.of_answer(example) for example in part]
        loss = -(chosen @ chosen.new_tensor(scale))
        if not pairs:
            return loss, []
        policy = torch.stack([chosen[pairs], log_probs[len(part) :]], dim=1)
        reference = policy.new_tensor(self._reference.values([part[i] for i in pairs]))
        weight = policy.new_tensor([part[i].weight for i in pairs])
        margins = losses.reward_margins(policy, reference, self._settings.beta)
        loss = loss + weights.per_item * (weight @ losses.preference(margins))
        return loss, margins.tolist()

    def _state(self) -> State:
        self._processes.check_equal(self._parameters.values())
        return {
            "adapter": {k: p.detach() for k, p in self._parameters.items()},
            "optimizer": self._optimizer.state_dict(),
            "learned_at": self._lr_schedule.learned_at,
            "best": self._best,
        }

    def _restore(self, state: State) -> None:
        self._load_adapter(state["adapter"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._lr_schedule.learned_at = state["learned_at"]
        self._best = state["best"]

    def _load_adapter(self, adapter: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(adapter[name])

    def _fingerprint(self, start: Path | None) -> str:
        """Return a digest of all that a checkpoint must agree on to be resumed."""
        settings = {**asdict(self._settings), "checkpoint_seconds": None}
        del settings["tracker"]  # checkpoints of earlier versions know none
        del settings["devices"]  # any number of processes can continue
        if not settings["least_replay"]:
            del settings["least_replay"]  # nor do they know this one
        start_digest = adapter_digest(start) if start else None
        work = (self._lm.identity.digest, start_digest, settings, list(self._items))
        return hashlib.sha256(repr(work).encode()).hexdigest()


def _recompute_activations(model: Any) -> None:
    """Let the layers of a model recompute their activations for the gradient.

    They do so in training mode only. What is within them, such as attention with its
    dropout and routers with their noise, stays in evaluation mode.
    """
    model.gradient_checkpointing_enable({"use_reentrant": False})
    for module in model.modules():
        if getattr(module, "gradient_checkpointing", False):
            module.training = True

"""The losses of a round, on tensors alone.

Everything is computed in float32. In 16 bit, the log-probabilities of confident tokens
would be lost in rounding errors.

Replay compares the base model's likeliest tokens.
    What: for each answer token of a replay item, the 128 likeliest next tokens are
    stored with their log-probabilities, and the rest of the probability as one value: 1
    KB per token. The loss is the KL divergence on these 129 outcomes. Why: storing or
    comparing whole distributions over 49,000 to 152,000 tokens was most of the memory
    of a step.

The loss has its own backward pass.
    What: ``_TokenLogProbs`` keeps two numbers for each logit instead of four to six.
    Why: with the vocabularies of real models, logits were most of the memory of a step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import kl_div, logsigmoid

from autolearn.models.memory import LIKELIEST, LOGITS_AT_ONCE


@dataclass(frozen=True)
class Likeliest:
    """Predictions of the base: the likeliest tokens, and all others together.

    Shapes:
        ids: (N, K) int32. log_probs: (N, K + 1) float32; the last column is the
        log-probability that any other token follows, minus infinity if there is none.
    """

    ids: Tensor
    log_probs: Tensor

    def at(self, rows: Tensor) -> "Likeliest":
        """Return the predictions for some tokens, given a mask or their indices."""
        return Likeliest(self.ids[rows], self.log_probs[rows])


def concatenate(parts: Sequence[Likeliest]) -> Likeliest:
    """Concatenate the predictions for several answers."""
    return Likeliest(
        torch.cat([part.ids for part in parts]),
        torch.cat([part.log_probs for part in parts]),
    )


def token_log_probs(logits: Tensor, ids: Tensor) -> Tensor:
    """Return the log-probabilities of some tokens, and of all others together.

    The gradient is computed a few rows at a time and keeps one number of the dtype of
    the logits for each logit. ``log_softmax`` of autograd in float32 keeps four to six.
    With a vocabulary of 152,000, each copy takes 600 KB per answer token.

    Shapes:
        logits: (N, V). ids: (N, K) int64; a row may repeat an id.
        returns: (N, K + 1) float32; the last column is minus infinity if ``ids`` has
            all tokens.
    """
    log_probs: Tensor = _TokenLogProbs.apply(logits, ids)  # type: ignore[no-untyped-call]
    return log_probs


class _TokenLogProbs(torch.autograd.Function):
    """See ``token_log_probs``."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, ids: Tensor) -> Tensor:
        n, k = ids.shape
        log_probs = torch.empty(n, k + 1, dtype=torch.float32, device=logits.device)
        total = torch.empty(n, 1, dtype=torch.float32, device=logits.device)
        for rows in _row_chunks(logits):
            chunk, chunk_ids = logits[rows].float(), ids[rows]
            total[rows] = chunk.logsumexp(dim=1, keepdim=True)
            log_probs[rows, :k] = chunk.gather(1, chunk_ids)
            # Computed from the logits: 1 minus the sum would be rounding noise when the
            # tokens have almost all the probability.
            log_probs[rows, k] = chunk.scatter(1, chunk_ids, -torch.inf).logsumexp(
                dim=1
            )
        log_probs -= total
        ctx.save_for_backward(logits, ids, total, log_probs[:, k:].exp())
        return log_probs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the logits.

        Let p be the probability of a token, g the gradients of the chosen tokens, h the
        gradient of the rest, and r the probability of the rest. A token of the rest has
        the gradient p (h / r - sum), a chosen token g - p sum, where sum = h + all g.
        """
        logits, ids, total, rest_probs = ctx.saved_tensors
        token_grad, rest_grad = grad[:, :-1], grad[:, -1:]
        grad_sum = grad.sum(dim=1, keepdim=True)
        # r is 0 when ids has all tokens; no token then takes this gradient.
        per_rest = torch.where(rest_probs > 0, rest_grad / rest_probs, 0.0)
        # One chunk at a time, so only the result has the size of the logits.
        result = torch.empty_like(logits)
        for rows in _row_chunks(logits):
            chunk_ids = ids[rows]
            # The softmax is computed again instead of being kept.
            p = (logits[rows].float() - total[rows]).exp_()
            correction = -grad_sum[rows] * p.gather(1, chunk_ids)
            p *= per_rest[rows] - grad_sum[rows]
            # scatter_add_, since a row may repeat an id.
            p.scatter_(1, chunk_ids, correction).scatter_add_(
                1, chunk_ids, token_grad[rows]
            )
            result[rows] = p
        return result, None


def _row_chunks(logits: Tensor) -> Iterator[slice]:
    """Yield slices of rows whose logits are processed at once."""
    n, size = logits.shape
    step = max(1, LOGITS_AT_ONCE // size)
    return (slice(start, start + step) for start in range(0, n, step))


def likeliest(logits: Tensor) -> Likeliest:
    """Return the likeliest tokens of logits, as many as replay compares.

    Shapes:
        logits: (N, V).
    """
    # int32 halves the memory of the stored ids.
    ids = logits.topk(min(LIKELIEST, logits.shape[1]), dim=1).indices
    return Likeliest(ids.int(), token_log_probs(logits.detach(), ids))


def zeros(n_tokens: int, n_logits: int, device: torch.device) -> Likeliest:
    """Return an all-zero placeholder for predictions computed by another process.

    The predictions of all processes are added up, so it changes nothing.
    """
    n = min(LIKELIEST, n_logits)
    return Likeliest(
        torch.zeros(n_tokens, n, dtype=torch.int32, device=device),
        torch.zeros(n_tokens, n + 1, dtype=torch.float32, device=device),
    )


def per_answer(log_probs: Tensor, owner: Tensor, n_answers: int) -> Tensor:
    """Return the log-probability of each answer.

    Shapes:
        log_probs: (N,) float32, of tokens. owner: (N,) int64, the number of the answer
        of each. returns: (n_answers,) float32.
    """
    return log_probs.new_zeros(n_answers).index_add(0, owner, log_probs)


def reward_margins(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Return the reward margin of the chosen answer of each pair; beta as in DPO.

    Shapes:
        policy, reference: (P, 2) log-probabilities of the chosen and rejected answer.
        returns: (P,) float32.
    """
    # The implicit reward of DPO: beta log(policy / reference).
    return beta * ((policy - reference)[:, 0] - (policy - reference)[:, 1])


def preference(margins: Tensor) -> Tensor:
    """Return the DPO loss of each pair.

    Shapes:
        margins, returns: (P,) float32.

    Source: Autonomous Learning, stage 2, L2.
    """
    return -logsigmoid(margins)


def divergence_of_likeliest(base: Tensor, policy: Tensor) -> Tensor:
    """Return KL(base || policy) on some tokens and the rest, summed over tokens.

    Let p be the base, q the policy, T the tokens that are compared individually, and P
    and Q the probability of all others. The result is

        sum over T of p log(p / q) + P log(P / Q)  <=  KL(p || q),

    by the log-sum inequality: P log(P / Q) <= sum over the rest of p log(p / q). Both
    sides are equal if T has all tokens, or if p / q is the same for all others.
    Without the last term the policy could move probability to tokens that are not
    compared, and the sum could fall below zero.

    Shapes:
        base, policy: (N, K + 1) log-probabilities; see ``token_log_probs``.
        returns: () float32, in nats.
    """
    # If the base gives the rest no probability, its term is 0: p log p -> 0 with p.
    is_possible = base > -torch.inf
    return kl_div(
        policy[is_possible], base[is_possible], reduction="sum", log_target=True
    )


def divergence(base: Tensor, policy: Tensor) -> Tensor:
    """Return KL(base || policy) over the whole vocabulary, summed over tokens.

    It is used without gradient, so a few tokens are processed at a time.

    Shapes:
        base, policy: (N, V) logits.
        returns: () float32, in nats.
    """
    total = base.new_zeros((), dtype=torch.float32)
    for rows in _row_chunks(base):
        base_log_probs = base[rows].float().log_softmax(dim=1)
        policy_log_probs = policy[rows].float().log_softmax(dim=1)
        total = total + kl_div(
            policy_log_probs, base_log_probs, reduction="sum", log_target=True
        )
    return total

"""What a round minimises, on tensors alone.

All of it is computed in fp32: in 16 bit, log-probabilities of sure tokens are noise.
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
    """What the base expects of tokens: the likeliest ones, and all others together.

    Shapes:
        ids: (N, K) int32. log_probs: (N, K + 1) float32; the last column is the
        log-probability that any other token follows, minus infinity if there is none.
    """

    ids: Tensor
    log_probs: Tensor

    def at(self, rows: Tensor) -> "Likeliest":
        """Return this of some tokens, given a mask or their numbers."""
        return Likeliest(self.ids[rows], self.log_probs[rows])


def joined(parts: Sequence[Likeliest]) -> Likeliest:
    """Return what is expected of the tokens of several answers, in their order."""
    return Likeliest(
        torch.cat([part.ids for part in parts]),
        torch.cat([part.log_probs for part in parts]),
    )


def token_log_probs(logits: Tensor, ids: Tensor) -> Tensor:
    """Return the log-probabilities of some tokens, and of all others together.

    The gradient is computed a few rows at a time, and one number of the dtype of the
    logits is held for each logit. Autograd's own ``log_softmax`` of them in fp32 holds
    four to six, which is most of the memory of a step where the vocabulary is large:
    600 KB a copy for each token of an answer with 152,000.

    Shapes:
        logits: (N, V). ids: (N, K) int64; a row may repeat an id.
        returns: (N, K + 1) float32; the last column is minus infinity where ``ids``
        has all tokens.
    """
    found: Tensor = _TokenLogProbs.apply(logits, ids)  # type: ignore[no-untyped-call]
    return found


class _TokenLogProbs(torch.autograd.Function):
    """See ``token_log_probs``."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, ids: Tensor) -> Tensor:
        n, k = ids.shape
        found = torch.empty(n, k + 1, dtype=torch.float32, device=logits.device)
        total = torch.empty(n, 1, dtype=torch.float32, device=logits.device)
        for rows in _few(logits):
            part, own = logits[rows].float(), ids[rows]
            total[rows] = part.logsumexp(dim=1, keepdim=True)
            found[rows, :k] = part.gather(1, own)
            found[rows, k] = part.scatter(1, own, -torch.inf).logsumexp(dim=1)
        found -= total
        ctx.save_for_backward(logits, ids, total, found[:, k:].exp())
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of the logits.

        With p the probability of a token, g the gradients of the chosen tokens and h
        that of the rest, whose probability is r: a token of the rest has
        p (h / r - sum), a chosen one g - p sum, where sum = h + all g.
        """
        logits, ids, total, rest = ctx.saved_tensors
        own, other = grad[:, :-1], grad[:, -1:]
        every = grad.sum(dim=1, keepdim=True)
        per_rest = torch.where(rest > 0, other / rest, 0.0)
        result = torch.empty_like(logits)
        for rows in _few(logits):
            chosen = ids[rows]
            p = (logits[rows].float() - total[rows]).exp_()
            less = -every[rows] * p.gather(1, chosen)
            p *= per_rest[rows] - every[rows]
            p.scatter_(1, chosen, less).scatter_add_(1, chosen, own[rows])
            result[rows] = p
        return result, None


def _few(logits: Tensor) -> Iterator[slice]:
    """Yield which rows of logits are worked on at once."""
    n, size = logits.shape
    step = max(1, LOGITS_AT_ONCE // size)
    return (slice(start, start + step) for start in range(0, n, step))


def likeliest(logits: Tensor) -> Likeliest:
    """Return the likeliest tokens that logits tell, as many as replay compares.

    Shapes:
        logits: (N, V).
    """
    ids = logits.topk(min(LIKELIEST, logits.shape[1]), dim=1).indices
    return Likeliest(ids.int(), token_log_probs(logits.detach(), ids))


def per_answer(log_probs: Tensor, owner: Tensor, n_answers: int) -> Tensor:
    """Return the log-probability of each answer.

    Shapes:
        log_probs: (N,) float32, of tokens. owner: (N,) int64, the number of the answer
        of each. returns: (n_answers,) float32.
    """
    return log_probs.new_zeros(n_answers).index_add(0, owner, log_probs)


def reward_margins(policy: Tensor, reference: Tensor, beta: float) -> Tensor:
    """Return how much more reward the chosen answer of each pair has; beta as in DPO.

    Shapes:
        policy, reference: (P, 2) log-probabilities of the chosen and rejected answer.
        returns: (P,) float32.
    """
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

    With p for the base, q for the policy, T the tokens that are compared one by one,
    and P, Q the probability of all others:

        sum over T of p log(p / q) + P log(P / Q)  <=  KL(p || q),

    by the log-sum inequality on the rest: P log(P / Q) <= sum over the rest of
    p log(p / q). Both are equal where T has all tokens, or where p / q is the same for
    all others. The last term is what keeps the policy from moving probability to tokens
    that are not compared: without it, the sum could fall below zero.

    Shapes:
        base, policy: (N, K + 1) log-probabilities; see ``token_log_probs``.
        returns: () float32.
    """
    # Nothing is lost where the base has no others: p log p goes to 0 with p.
    is_there = base > -torch.inf
    return kl_div(policy[is_there], base[is_there], reduction="sum", log_target=True)


def divergence(base: Tensor, policy: Tensor) -> Tensor:
    """Return KL(base || policy) over the whole vocabulary, summed over tokens.

    It has no gradient to be of use for, so it is taken a few tokens at a time.

    Shapes:
        base, policy: (N, V) logits.
        returns: () float32.
    """
    moved = base.new_zeros((), dtype=torch.float32)
    for rows in _few(base):
        wanted = base[rows].float().log_softmax(dim=1)
        given = policy[rows].float().log_softmax(dim=1)
        moved = moved + kl_div(given, wanted, reduction="sum", log_target=True)
    return moved

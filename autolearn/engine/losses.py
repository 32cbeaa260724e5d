"""What a round minimises, on tensors alone.

All of it is computed in fp32: in 16 bit, log-probabilities of sure tokens are noise.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, logsigmoid

from autolearn.engine.batches import IGNORED


def answer_log_probs(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the log-probability of each answer.

    Shapes:
        logits: (B, K, V). targets: (B, K) int64, IGNORED outside the answer.
        returns: (B,) float32.
    """
    kept = targets != IGNORED
    # Padding is left out first: a row of logits is by far the largest thing here.
    found = -cross_entropy(logits[kept].float(), targets[kept], reduction="none")
    return found.new_zeros(kept.shape).masked_scatter(kept, found).sum(dim=1)


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


def divergence(base: Tensor, policy: Tensor, targets: Tensor) -> Tensor:
    """Return KL(base || policy) over the whole vocabulary, summed over answer tokens.

    Shapes:
        base, policy: (B, K, V) logits. targets: (B, K) int64, IGNORED outside.
        returns: () float32.
    """
    kept = targets != IGNORED
    with torch.no_grad():
        wanted = base[kept].float().log_softmax(dim=1)
    given = policy[kept].float().log_softmax(dim=1)
    return kl_div(given, wanted, reduction="sum", log_target=True)

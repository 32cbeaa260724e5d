"""What a round minimises, on tensors alone.

All of it is computed in fp32: in 16 bit, log-probabilities of sure tokens are noise.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, kl_div, logsigmoid


def answer_log_probs(
    logits: Tensor, targets: Tensor, owner: Tensor, n_answers: int
) -> Tensor:
    """Return the log-probability of each answer.

    Shapes:
        logits: (N, V). targets, owner: (N) int64, a token and the number of its answer.
        returns: (n_answers,) float32.
    """
    found = -cross_entropy(logits.float(), targets, reduction="none")
    return found.new_zeros(n_answers).index_add(0, owner, found)


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


def divergence(base: Tensor, policy: Tensor) -> Tensor:
    """Return KL(base || policy) over the whole vocabulary, summed over tokens.

    Shapes:
        base, policy: (N, V) logits.
        returns: () float32.
    """
    with torch.no_grad():
        wanted = base.float().log_softmax(dim=1)
    given = policy.float().log_softmax(dim=1)
    return kl_div(given, wanted, reduction="sum", log_target=True)

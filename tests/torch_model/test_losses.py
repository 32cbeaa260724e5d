"""The losses, compared with autograd on their plain definitions."""

import pytest
import torch
from torch.nn.functional import kl_div

from autolearn.engine.trainer import losses

pytestmark = pytest.mark.torch_model

N, V = 7, 300


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def random_logits(scale=3.0, dtype=torch.float32):
    """Logits of a base, and of a policy near it that has a gradient."""
    base = scale * torch.randn(N, V)
    policy = (base + torch.randn(N, V)).to(dtype).requires_grad_()
    return base.to(dtype), policy


def full_kl(base, policy):
    target, log_probs = base.float().log_softmax(1), policy.float().log_softmax(1)
    return kl_div(log_probs, target, reduction="sum", log_target=True)


def on_likeliest(base, policy):
    likeliest = losses.likeliest(base)
    log_probs = losses.token_log_probs(policy, likeliest.ids.long())
    return losses.divergence_of_likeliest(likeliest.log_probs, log_probs)


def gradient(loss, logits):
    (grad,) = torch.autograd.grad(loss, logits)
    return grad


@pytest.fixture(params=[1, 1 << 23], ids=["a token at a time", "all at once"])
def _parts(request, monkeypatch):
    monkeypatch.setattr(losses, "LOGITS_AT_ONCE", request.param)


@pytest.mark.usefixtures("_parts")
def test_log_probabilities_and_their_gradient_are_those_of_log_softmax():
    _, policy = random_logits()
    ids = torch.randint(V, (N, 5))
    ids[:, 1] = ids[:, 0]  # a token may be asked for twice
    weight = torch.randn(N, 6)
    ours = losses.token_log_probs(policy, ids)
    whole = policy.log_softmax(1)
    others = whole.scatter(1, ids, -torch.inf).logsumexp(1, keepdim=True)
    theirs = torch.cat([whole.gather(1, ids), others], dim=1)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        gradient((weight * ours).sum(), policy),
        gradient((weight * theirs).sum(), policy),
    )


@pytest.mark.usefixtures("_parts")
def test_with_all_tokens_the_divergence_is_the_full_kl(monkeypatch):
    monkeypatch.setattr(losses, "LIKELIEST", V)
    base, policy = random_logits()
    divergence, whole = on_likeliest(base, policy), full_kl(base, policy)
    assert divergence.item() == pytest.approx(whole.item(), rel=1e-5)
    torch.testing.assert_close(gradient(divergence, policy), gradient(whole, policy))
    assert losses.divergence(base, policy).item() == pytest.approx(whole.item())


def test_with_some_tokens_the_divergence_is_a_growing_lower_bound(
    monkeypatch,
):
    base, policy = random_logits()
    whole = full_kl(base, policy)
    divergences, apart = [], []
    for k in (1, 8, 64, 256, V - 1, V):
        monkeypatch.setattr(losses, "LIKELIEST", k)
        divergence = on_likeliest(base, policy)
        divergences.append(divergence.item())
        off = gradient(divergence, policy) - gradient(full_kl(base, policy), policy)
        apart.append(off.norm().item())
    assert divergences == sorted(divergences)
    assert 0 < divergences[0] < divergences[-1]
    assert divergences[-2] == pytest.approx(
        whole.item(), rel=1e-5
    )  # one other is no bucket
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 1e-5


def test_probability_that_moves_to_other_tokens_raises_the_loss(monkeypatch):
    monkeypatch.setattr(losses, "LIKELIEST", 4)
    base, _ = random_logits()
    unlikely = base.argmin(dim=1, keepdim=True)
    other_logits = base.scatter_add(
        1, unlikely, torch.full((N, 1), 20.0)
    ).requires_grad_()
    divergence = on_likeliest(base, other_logits)
    assert divergence.item() > N / 2
    push = gradient(divergence, other_logits).gather(1, unlikely)
    assert (push > 0.01).all()  # descending takes it back
    assert on_likeliest(base, base.clone().requires_grad_()).item() == pytest.approx(
        0, abs=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_confident_tokens_have_finite_gradients(dtype):
    base, policy = random_logits(scale=200.0, dtype=dtype)
    divergence = on_likeliest(base, policy)
    grad = gradient(divergence, policy)
    assert grad.dtype == dtype
    assert torch.isfinite(divergence)
    assert torch.isfinite(grad).all()

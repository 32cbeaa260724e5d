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
    wanted, given = base.float().log_softmax(1), policy.float().log_softmax(1)
    return kl_div(given, wanted, reduction="sum", log_target=True)


def on_likeliest(base, policy):
    known = losses.likeliest(base)
    found = losses.token_log_probs(policy, known.ids.long())
    return losses.divergence_of_likeliest(known.log_probs, found)


def gradient(loss, logits):
    (found,) = torch.autograd.grad(loss, logits)
    return found


@pytest.fixture(params=[1, 1 << 23], ids=["a token at a time", "all at once"])
def _parts(request, monkeypatch):
    monkeypatch.setattr(losses, "LOGITS_AT_ONCE", request.param)


@pytest.mark.usefixtures("_parts")
def test_log_probabilities_and_their_gradient_are_those_of_log_softmax():
    _, policy = random_logits()
    ids = torch.randint(V, (N, 5))
    ids[:, 1] = ids[:, 0]  # a token may be asked for twice
    weight = torch.randn(N, 6)
    found = losses.token_log_probs(policy, ids)
    whole = policy.log_softmax(1)
    others = whole.scatter(1, ids, -torch.inf).logsumexp(1, keepdim=True)
    expected = torch.cat([whole.gather(1, ids), others], dim=1)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        gradient((weight * found).sum(), policy),
        gradient((weight * expected).sum(), policy),
    )


@pytest.mark.usefixtures("_parts")
def test_with_all_tokens_the_divergence_is_the_full_kl(monkeypatch):
    monkeypatch.setattr(losses, "LIKELIEST", V)
    base, policy = random_logits()
    found, whole = on_likeliest(base, policy), full_kl(base, policy)
    assert found.item() == pytest.approx(whole.item(), rel=1e-5)
    torch.testing.assert_close(gradient(found, policy), gradient(whole, policy))
    assert losses.divergence(base, policy).item() == pytest.approx(whole.item())


def test_with_some_tokens_the_divergence_is_a_growing_lower_bound(
    monkeypatch,
):
    base, policy = random_logits()
    whole = full_kl(base, policy)
    seen, apart = [], []
    for k in (1, 8, 64, 256, V - 1, V):
        monkeypatch.setattr(losses, "LIKELIEST", k)
        found = on_likeliest(base, policy)
        seen.append(found.item())
        off = gradient(found, policy) - gradient(full_kl(base, policy), policy)
        apart.append(off.norm().item())
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1]
    assert seen[-2] == pytest.approx(whole.item(), rel=1e-5)  # one other is no bucket
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 1e-5


def test_probability_that_moves_to_other_tokens_raises_the_loss(monkeypatch):
    monkeypatch.setattr(losses, "LIKELIEST", 4)
    base, _ = random_logits()
    unlikely = base.argmin(dim=1, keepdim=True)
    moved = base.scatter_add(1, unlikely, torch.full((N, 1), 20.0)).requires_grad_()
    found = on_likeliest(base, moved)
    assert found.item() > N / 2
    push = gradient(found, moved).gather(1, unlikely)
    assert (push > 0.01).all()  # descending takes it back
    assert on_likeliest(base, base.clone().requires_grad_()).item() == pytest.approx(
        0, abs=1e-5
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_confident_tokens_have_finite_gradients(dtype):
    base, policy = random_logits(scale=200.0, dtype=dtype)
    found = on_likeliest(base, policy)
    grad = gradient(found, policy)
    assert grad.dtype == dtype
    assert torch.isfinite(found)
    assert torch.isfinite(grad).all()

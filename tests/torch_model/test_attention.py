"""Attention as transformers calls it, without shared prefixes."""

import pytest
import torch
from torch.nn import Module
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from autolearn.engine.decoding import attention

pytestmark = pytest.mark.torch_model


@pytest.mark.parametrize("autocast", [False, True])
def test_numbers_of_16_bit_are_attended_in_32_on_a_cpu(autocast):
    torch.manual_seed(0)
    tokens = torch.randn(3, 2, 4, 9, 16, dtype=torch.bfloat16)
    query, key, value = tokens.requires_grad_(True)
    mask = torch.zeros(2, 1, 9, 9, dtype=torch.bfloat16)
    mask[:, :, :, 5:] = torch.finfo(mask.dtype).min
    attend = AttentionInterface()[attention.NAME]
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output, _ = attend(Module(), query, key, value, mask)
    exact = scaled_dot_product_attention(
        query.float(), key.float(), value.float(), attn_mask=mask.float()
    )
    assert output.dtype == torch.bfloat16
    assert torch.equal(output, exact.transpose(1, 2).bfloat16())
    direction = torch.randn(output.shape, dtype=torch.bfloat16)
    (ours,) = torch.autograd.grad(output, tokens, direction, retain_graph=True)
    theirs = torch.autograd.grad(exact.transpose(1, 2), tokens, direction.float())
    assert torch.equal(ours, theirs[0])

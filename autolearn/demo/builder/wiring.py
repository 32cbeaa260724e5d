"""Initialise the tiny model with the circuits for copying and comparing.

Found by experiment (docs/lab-notes.md): from random weights a model of this size spends
most of its training on learning to copy an unseen name. So one head of the first layer
starts as a "previous token" head, and one head each of the next two as an "induction"
head (find where this token occurred before, predict what followed). In all other heads
the key projection equals the query projection, so that equal tokens attract each other.
These are ordinary initial weights; all of them are trained.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

WIDTH, FEED_FORWARD, LAYERS, HEAD = 192, 576, 5, 32
"""Sizes; all but that of the head are multiples of 64, the 4-bit block size."""
CONTEXT = 1024
ROPE_THETA = 1e6
CONSTANT = 3.0
"""Value of embedding dimension 0, in standard deviations of the others."""
OUTPUT_SCALE = 0.02
PREVIOUS_LOGITS = (12.0, 8.0, 5.0)
"""Attention logits of the previous-token head on the three fastest rotations."""
SLOW = 0.03
"""Rotations below this frequency (radians per token) hardly depend on the position."""
APART = 0.8
"""Least distance of the embedding of a piece of letters from the mean of its group."""
INDUCTION_LAYERS = (1, 2)
INDUCTION_GAIN = 1.0


def tiny_config(vocab_size: int, *, pad: int, begin: int, end: int) -> LlamaConfig:
    """Return the shape of the tiny model: 2.8 million parameters."""
    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=WIDTH,
        intermediate_size=FEED_FORWARD,
        num_hidden_layers=LAYERS,
        num_attention_heads=WIDTH // HEAD,
        num_key_value_heads=WIDTH // HEAD,
        head_dim=HEAD,
        max_position_embeddings=CONTEXT,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=True,
        pad_token_id=pad,
        bos_token_id=begin,
        eos_token_id=end,
    )


@torch.no_grad()
def wire(model: LlamaForCausalLM, seed: int) -> None:
    """Overwrite the random weights of the model with the wired start."""
    generator = torch.Generator().manual_seed(seed)
    frequency = 1 / ROPE_THETA ** (torch.arange(0, HEAD, 2) / HEAD)
    content = _random(generator, HEAD, WIDTH)
    content[:, 0] = 0
    content[:, -HEAD:] = 0
    _start_plainly(model, generator)
    _wire_previous_token(model, frequency, content)
    for layer in INDUCTION_LAYERS:
        _wire_induction(model, layer, frequency, content, generator)


@torch.no_grad()
def take_over(
    model: LlamaForCausalLM,
    vocabulary: dict[str, int],
    earlier: LlamaForCausalLM,
    earlier_vocabulary: dict[str, int],
) -> None:
    """Copy the weights of an earlier model into a wired model.

    Embeddings are copied by token. A new token keeps its wired start, and rows without
    a token stay as unlikely as they were. Layers that the earlier model did not have
    come before its last one. Their outputs start near zero, so they change nothing at
    first.
    """
    common_tokens = [token for token in vocabulary if token in earlier_vocabulary]
    old = earlier.model.embed_tokens.weight[
        [earlier_vocabulary[t] for t in common_tokens]
    ]
    model.model.embed_tokens.weight[[vocabulary[t] for t in common_tokens]] = old
    spare_rows = earlier.model.embed_tokens.weight[len(earlier_vocabulary) :]
    if len(spare_rows):
        model.model.embed_tokens.weight[len(vocabulary) :] = spare_rows.mean(dim=0)
    model.model.norm.load_state_dict(earlier.model.norm.state_dict())
    *first, last = earlier.model.layers
    for mine, its in zip(model.model.layers, first, strict=False):
        mine.load_state_dict(its.state_dict())
    model.model.layers[-1].load_state_dict(last.state_dict())


@torch.no_grad()
def spread(model: LlamaForCausalLM, groups: Iterable[list[int]]) -> None:
    """Move embeddings away from the mean of their group if they are too close to it."""
    embedding = model.model.embed_tokens.weight
    for ids in groups:
        mean = embedding[ids].mean(dim=0)
        offset = embedding[ids] - mean
        factor = (APART / offset.norm(dim=1, keepdim=True)).clamp(min=1)
        embedding[ids] = mean + offset * factor


def _random(generator: torch.Generator, rows: int, columns: int) -> Tensor:
    return torch.randn(rows, columns, generator=generator) / math.sqrt(columns)


def _start_plainly(model: LlamaForCausalLM, generator: torch.Generator) -> None:
    """Draw all matrices, with equal queries and keys and a free slot in embeddings."""
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            weight.copy_(_random(generator, *weight.shape))
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            weight.mul_(OUTPUT_SCALE)
    for layer in model.model.layers:
        layer.self_attn.k_proj.weight.copy_(layer.self_attn.q_proj.weight)
    embedding = model.model.embed_tokens.weight
    embedding[:, 0] = CONSTANT / math.sqrt(WIDTH)
    embedding[:, -HEAD:] = 0


def _wire_previous_token(
    model: LlamaForCausalLM, frequency: Tensor, content: Tensor
) -> None:
    """Make head 0 of layer 0 write the previous token's content to the free slot.

    Queries and keys read only the constant. The key is rotated back by one position, so
    the two agree best one token apart.
    """
    attention = model.model.layers[0].self_attn
    half = HEAD // 2
    query, key = attention.q_proj.weight[:HEAD], attention.k_proj.weight[:HEAD]
    query.mul_(0.1)
    key.mul_(0.1)
    query[:, 0] = 0
    key[:, 0] = 0
    for i, logit in enumerate(PREVIOUS_LOGITS):
        size = math.sqrt(logit * math.sqrt(HEAD)) / CONSTANT
        query[i, 0] = size
        key[i, 0] = size * math.cos(frequency[i])
        key[i + half, 0] = size * math.sin(frequency[i])
    attention.v_proj.weight[:HEAD] = content
    output = attention.o_proj.weight
    output[:, :HEAD] = 0
    output[-HEAD:, :HEAD] = torch.eye(HEAD) * 0.6 / math.sqrt(WIDTH)


def _wire_induction(
    model: LlamaForCausalLM,
    layer: int,
    frequency: Tensor,
    content: Tensor,
    generator: torch.Generator,
) -> None:
    """Make head 0 of a layer predict what followed this token before."""
    attention = model.model.layers[layer].self_attn
    slow = (frequency < SLOW).float()
    gain = torch.cat([slow, slow]) * math.sqrt(HEAD / (2 * slow.sum()))
    previous = torch.zeros(HEAD, WIDTH)
    previous[:, -HEAD:] = torch.eye(HEAD) * 4
    attention.q_proj.weight[:HEAD] = content * gain[:, None] * 3
    attention.k_proj.weight[:HEAD] = previous * gain[:, None]
    output_content = _random(generator, HEAD, WIDTH)
    output_content[:, 0] = 0
    output_content[:, -HEAD:] = 0
    attention.v_proj.weight[:HEAD] = output_content
    attention.o_proj.weight[:, :HEAD] = output_content.T * INDUCTION_GAIN

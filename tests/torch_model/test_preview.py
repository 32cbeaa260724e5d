"""The token preview of the page shows the loss mask of the trainer."""

import pytest
from transformers import AutoTokenizer, GenerationConfig

from autolearn.core.records import TrainItem
from autolearn.engine.chat import ChatFormat
from autolearn.engine.trainer.batches import cut, encode
from autolearn.models import files as model_files
from autolearn.services import token_preview
from autolearn.study import prompts

pytestmark = pytest.mark.torch_model


def asked(question):
    return prompts.load("closed_book").render(question=question).chat


ITEMS = [
    TrainItem("sft", asked("When was Avel founded?"), "Avel was founded in 1711."),
    TrainItem("dpo", asked("Who leads Avel?"), "Ada does.", rejected="Bo does."),
    TrainItem("text", (), "Avel lies on the river Nim. Zoë — ünïted.\nIt is old."),
    TrainItem("sft", asked("<|end|> who?"), "<|end|><img src=x> does."),
    TrainItem("sft", asked("What is empty?"), "  "),
]


@pytest.fixture(scope="module")
def chat():
    tokenizer = AutoTokenizer.from_pretrained(
        model_files.BUILT_IN, local_files_only=True
    )
    eos = GenerationConfig.from_pretrained(model_files.BUILT_IN).eos_token_id
    return ChatFormat(tokenizer, [eos], drops_system=True)


def test_ids_and_mask_are_those_of_the_training(chat):
    items = [part for item in ITEMS for part in cut(item, chat, 20)]
    preview = token_preview.preview(model_files.BUILT_IN, ITEMS, 20, n_shown=len(items))
    examples = [encode(item, chat) for item in items]
    assert [[(list(r.ids), r.n_prompt) for r in rows] for rows in preview.items] == [
        [(row.ids, row.n_prompt) for row in example.rows] for example in examples
    ]
    assert preview.tokens == sum(len(r.ids) for e in examples for r in e.rows)
    assert preview.too_long == sum(e.length > 20 for e in examples)
    assert preview.empty == 1
    assert preview.end == "<|end|>"
    assert preview.dropped_items == tuple(
        (e.length, item.chosen)
        for item, e in zip(items, examples, strict=True)
        if e.length > 20
    )
    assert preview.dropped_items
    for rows in preview.items:
        for row in rows:
            whole = chat._tokenizer.decode(list(row.ids), skip_special_tokens=False)
            assert "".join(row.pieces) == whole

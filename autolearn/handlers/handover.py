"""Export a round as a folder for the trainer of another project.

Only the tokenizer of the model is loaded. A finished round is handed over with its
frozen items, a planned one with the items that it would be trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from autolearn.core.errors import InputError
from autolearn.core.records import TrainItem
from autolearn.core.run_results import ExportResult, RoundScores
from autolearn.core.run_settings import ExportRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.engine.chat import ChatFormat
from autolearn.engine.load import compute_dtype
from autolearn.engine.rendering import RenderedRow, Renderer
from autolearn.engine.tokenizer import chat_format
from autolearn.engine.tokenizer import load as load_tokenizer
from autolearn.engine.trainer.batches import Example, Row, cut, encode, is_learnable
from autolearn.export import formats
from autolearn.export.handover import folder
from autolearn.export.handover.contents import (
    EncodedItem,
    EncodedText,
    Handover,
    HandoverModel,
)
from autolearn.models import files as model_files
from autolearn.models.small_files import read_json
from autolearn.rounds import adapters
from autolearn.rounds.sources import collect, why_nothing
from autolearn.runs.context import RunContext
from autolearn.runs.model_choice import check_unchanged


def hand_over(context: RunContext, request: ExportRunSettings) -> ExportResult:
    """Write the folder of a round and return where it is.

    Raises:
        BackendError: The model is not the one that the round was trained on.
        InputError: There is nothing to train on, or the folder cannot be written.
    """
    tool, target = folder.TOOLS[request.what], Path(request.target)
    result = ExportResult.of(context.run)
    if result.path and target.is_dir():  # killed between the folder and its record
        return result
    if request.round_id is None:
        contents = _of_planned_round(context, request)
    else:
        contents = _of_finished_round(context, request, request.round_id)
    with formats.new_folder(target) as draft:
        folder.write(contents, tool, draft)
        card, n = target / folder.README, len(contents.training)
        result = ExportResult(str(target), n, str(card))
        context.save_result(result)
    return result


def _of_finished_round(
    context: RunContext, request: ExportRunSettings, round_id: int
) -> Handover:
    store = context.store
    about = store.rounds.get(round_id)
    run_settings, scores = TrainRunSettings.of(about), RoundScores.of(about)
    model = _Model.load(
        run_settings.model, request, about.model.dtype, about.model.device
    )
    lora = read_json(adapters.folder_of(store, about) / "adapter_config.json")
    return Handover(
        f"Round {round_id}",
        model.described,
        run_settings.train,
        items=model.encode_items(
            store.rounds.items(round_id), run_settings.train, request.what
        ),
        target_modules=tuple(lora["target_modules"]),
        start=adapters.start_of(store, about),
        n_steps_taken=about.n_steps,
        best_at=scores.best_at,
        scale=scores.scale,
    )


def _of_planned_round(context: RunContext, request: ExportRunSettings) -> Handover:
    """Return a round that is not trained yet, without items that the model writes."""
    run_settings = request.train or TrainRunSettings()
    data = collect(context.store, run_settings).build()
    if not data.items:
        raise InputError(why_nothing(run_settings.train))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = str(compute_dtype(device)).removeprefix("torch.")
    model = _Model.load(run_settings.model, request, dtype, device)
    items = [*data.items, *data.validation]
    encoded_items = model.encode_items(items, run_settings.train, request.what)
    return Handover(
        "A planned round", model.described, run_settings.train, encoded_items
    )


@dataclass(frozen=True)
class _Model:
    """The tokenizer of a model, and how it is loaded."""

    described: HandoverModel
    tokenizer: Any
    chat: ChatFormat

    @classmethod
    def load(
        cls, model: ModelSettings, request: ExportRunSettings, dtype: str, device: str
    ) -> "_Model":
        """Load the tokenizer.

        Raises:
            BackendError: The files have changed since the export was queued.
        """
        place = model_files.locate(model.model)
        check_unchanged(model.model, model_files.digest(place), request.model_digest)
        tokenizer = load_tokenizer(place)
        chat, context_length = chat_format(place, tokenizer)
        path = model_files.hub_id(place) or str(place)
        described = HandoverModel(
            path, model.quantization, dtype, device, context_length
        )
        return cls(described, tokenizer, chat)

    def encode_items(
        self, items: Sequence[TrainItem], settings: TrainSettings, tool: str
    ) -> tuple[EncodedItem, ...]:
        """Return items with their texts and tokens, as a tool reads them."""
        longest = self.described.longest_item(settings)
        encoder = _Encoder(
            Renderer(self.tokenizer),
            settings.traits.trains_preferences,
            folder.TOOLS[tool].reads_tokens,
        )
        parts = [part for item in items for part in cut(item, self.chat, longest)]
        return tuple(
            encoder.item(part, encode(part, self.chat), longest) for part in parts
        )


@dataclass(frozen=True)
class _Encoder:
    """Renders items as a tool reads them."""

    renderer: Renderer
    are_pairs: bool
    reads_tokens: bool
    """Whether the tool is given tokens, and pairs as TRL reads them."""

    def item(self, item: TrainItem, example: Example, longest: int) -> EncodedItem:
        """Return an item with its texts, and whether they become the same tokens."""
        chosen = self._text(example.chosen)
        rejected = self._text(example.rejected) if example.rejected else None
        return EncodedItem(
            item,
            chosen,
            rejected,
            is_learnable(example, longest),
            all(map(self._is_exact, example.rows)),
        )

    def _render(self, row: Row) -> RenderedRow:
        rendered = self.renderer.render(row)
        is_joined = self.are_pairs and self.reads_tokens
        return self.renderer.without_start(rendered) if is_joined else rendered

    def _text(self, row: Row) -> EncodedText:
        return EncodedText(*self._render(row), tuple(row.ids), row.n_prompt)

    def _is_exact(self, row: Row) -> bool:
        rendered = self._render(row)
        if not self.reads_tokens:
            return self.renderer.parts_match(rendered, row)
        return not self.are_pairs or self.renderer.whole_matches(rendered, row)

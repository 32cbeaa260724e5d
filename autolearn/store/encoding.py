"""Records as rows and back: one rule for all tables, derived from the dataclasses.

A field is a column of the same name. Tuples, dictionaries and chats become JSON
text, booleans 0 and 1, and a nested generation the id of its row.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast, get_type_hints

from autolearn.core.constraints import from_values, to_values
from autolearn.core.experiments import Experiment, ExperimentRun
from autolearn.core.flags import Flag
from autolearn.core.gold import Corpus, GoldExample
from autolearn.core.model_calls import (
    Chat,
    Completion,
    Generation,
    Message,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.quiz_records import (
    FrozenQuestion,
    QuizResult,
    QuizVersion,
    SkillResult,
)
from autolearn.core.reading import Reading
from autolearn.core.records import (
    Answer,
    Decision,
    Document,
    Exclusion,
    Feedback,
    GeneratedInstruction,
    Passage,
    Question,
    Round,
    Run,
    Sample,
    Skip,
    TrainItem,
)

TABLES: dict[type, str] = {
    Document: "documents",
    Passage: "passages",
    Exclusion: "exclusions",
    Generation: "generations",
    Question: "questions",
    Answer: "answers",
    Feedback: "feedback",
    Sample: "samples",
    Skip: "skips",
    Decision: "decisions",
    Round: "rounds",
    TrainItem: "round_items",
    Run: "runs",
    QuizResult: "quiz_results",
    QuizVersion: "quizzes",
    GeneratedInstruction: "generated_instructions",
    SkillResult: "skill_results",
    Corpus: "corpora",
    GoldExample: "gold_examples",
    Experiment: "experiments",
    ExperimentRun: "experiment_runs",
}

Row = dict[str, Any]
T = TypeVar("T")

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=asdict)


class Columns(Protocol):
    """A row as it was read."""

    def __getitem__(self, name: str, /) -> Any:
        """Return the value of a column."""


def as_json(value: object) -> str:
    """Return a value as JSON text; dataclasses within it become objects."""
    return _ENCODER.encode(value)


def chat_from(text: str) -> Chat:
    """Return the chat that was stored as JSON text."""
    return tuple(Message(**turn) for turn in json.loads(text))


@lru_cache(1024)
def _texts_from(text: str) -> tuple[str, ...]:
    """Return texts that were stored as JSON; thousands of rows have the same few."""
    return tuple(json.loads(text))


@lru_cache(64)
def _model_from(text: str) -> ModelIdentity:
    return ModelIdentity(**json.loads(text))


def _frozen_from(text: str) -> tuple[FrozenQuestion, ...]:
    return tuple(
        FrozenQuestion(**row | {"aliases": tuple(row["aliases"])})
        for row in json.loads(text)
    )


_LOADERS: dict[Any, Callable[[Any], Any]] = {
    bool: bool,
    tuple[Flag, ...]: _texts_from,
    tuple[str, ...]: _texts_from,
    tuple[FrozenQuestion, ...]: _frozen_from,
    dict[str, Any]: json.loads,
    dict[str, object]: json.loads,
    dict[str, str]: json.loads,
    Chat: chat_from,
    ModelIdentity: _model_from,
    Reading: lambda text: Reading.from_dict(json.loads(text)),
}


_FIELDS = {
    cls: {name: _LOADERS.get(hint) for name, hint in get_type_hints(cls).items()}
    for cls in TABLES
}
"""How each column of a kind of record is read; None: unchanged."""


def to_row(record: Any) -> Row:
    """Return the columns of a record, without its id, which the database gives."""
    if isinstance(record, Generation):
        return _generation_row(record)
    row: Row = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name == "generation":
            row["generation_id"] = value and value.id
        elif field.name != "id":
            is_plain = value is None or isinstance(value, str | int | float)
            row[field.name] = value if is_plain else as_json(value)
    return row


def has_generation(cls: type) -> bool:
    """Return whether records of this kind may come with their generation."""
    return "generation" in _FIELDS[cls]


def from_row(cls: type[T], row: Columns, generation: Generation | None = None) -> T:
    """Build a record from its columns and, where it has one, its generation."""
    if cls is Generation:
        return cast(T, _generation_from(row))
    values: Row = {}
    for name, load in _FIELDS[cls].items():
        if name == "generation":
            values[name] = generation
        else:
            values[name] = load(row[name]) if load else row[name]
    return cls(**values)


def _generation_row(generation: Generation) -> Row:
    """Lay a generation out flat, so that it can be read without knowing its parts."""
    request, completion, model = (
        generation.request,
        generation.completion,
        generation.model,
    )
    return {
        "prompt_name": request.prompt.name,
        "prompt_digest": request.prompt.digest,
        "prompt": as_json(request.prompt.chat),
        "constraint_parts": json.dumps(
            to_values(request.constraint), ensure_ascii=False
        ),
        "raw": completion.text,
        "finish": completion.finish,
        "n_prompt_tokens": completion.n_prompt_tokens,
        "n_tokens": completion.n_tokens,
        **asdict(request.sampling),
        "model": model.name,
        "model_digest": model.digest,
        **_columns_of(asdict(model), _MODEL_COLUMNS),
    }


_MODEL_COLUMNS = ("quantization", "dtype", "device", "round_id", "adapter_digest")
_SAMPLING_COLUMNS = tuple(field.name for field in fields(Sampling))


def _columns_of(row: Columns, names: Iterable[str]) -> Row:
    return {name: row[name] for name in names}


def _generation_from(row: Columns) -> Generation:
    """Build a generation from its flat row."""
    return Generation(
        request=Request(
            Prompt(row["prompt_name"], row["prompt_digest"], chat_from(row["prompt"])),
            Sampling(**_columns_of(row, _SAMPLING_COLUMNS)),
            from_values(json.loads(row["constraint_parts"])),
        ),
        completion=Completion(
            row["raw"], row["finish"], row["n_prompt_tokens"], row["n_tokens"]
        ),
        model=ModelIdentity(
            name=row["model"],
            digest=row["model_digest"],
            **_columns_of(row, _MODEL_COLUMNS),
        ),
        id=row["id"],
    )

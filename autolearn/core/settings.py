"""Every default of autolearn, once, with its unit, its range and its help."""

from dataclasses import dataclass
from math import ceil
from typing import Literal, get_args

from autolearn.core.errors import InputError
from autolearn.core.methods import METHODS, Method, TrainingMethod, method_name
from autolearn.core.server_addresses import is_server
from autolearn.core.setting_fields import Range, Settings, setting

Quantization = Literal["nf4", "none"]
StudyProtocol = Literal["auto", "guided", "taught", "trained"]
Evolution = Literal["restart", "continual", "continual-new"]
Tracker = Literal["trackio", "tensorboard", "wandb"]

EVOLUTION_MEANING = (
    "SELF: restart trains the base model on all samples; continual continues a round "
    "on all, continual-new on new ones only"
)
_SHARE = Range(0, 1)
_ABOVE_0 = Range(0, excludes_low=True)
MANY = 10_000_000
"""Most optimiser steps of a training."""


@dataclass(frozen=True)
class ModelSettings(Settings):
    """Which model, and how it is loaded."""

    model: str = setting(
        "built-in",
        "built-in, a folder, a GGUF file, an id of the hub once downloaded, or the "
        "address of a server as http://HOST:PORT/v1#MODEL",
    )
    quantization: Quantization = setting(
        "nf4",
        "nf4: 4 bit with double quantisation; none: 16 or 32 bit",
        get_args(Quantization),
    )
    round_id: int | None = setting(
        None, "The round whose adapter is attached; None: the base model"
    )

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: A value is not allowed.
        """
        if not self.model.strip():
            raise InputError("Enter a model.")
        super().__post_init__()

    @property
    def own_quantization(self) -> Quantization:
        """Return the quantization that is applied here: none to a server's model."""
        return "none" if is_server(self.model) else self.quantization


@dataclass(frozen=True)
class StudySettings(Settings):
    """How texts are studied."""

    protocol: StudyProtocol = setting(
        "auto",
        "How the model is prompted; auto: as stored with the model or round. Choose "
        "another only to compare prompting styles",
        get_args(StudyProtocol),
    )
    quick: bool = setting(
        False,
        "Quick: one attempt per fact, no feedback, refinements or paraphrases; learns "
        "the open-book answers. It takes less time and adds nothing to the quiz",
    )
    questions_per_passage: int = setting(
        6,
        "At most twice as many facts (parts of sentences) of a passage are asked about,"
        " evenly spread; 6: up to 12. More covers long passages better and takes "
        "longer. With the prompting style “trained”: the fewest questions per list",
        Range(1, 50),
    )
    ask_rounds: int = setting(
        4,
        "Lists of questions per passage, the first greedy, the others sampled; only "
        "with the prompting style “trained”. More finds more and takes longer",
        Range(1, 20),
    )
    closed_book_samples: int = setting(
        0,
        "Sampled closed-book answers per question, in addition to the greedy one. They "
        "decide nothing, but the sample shows how far they differ. More takes longer",
        Range(0, 50),
    )
    paraphrases: int = setting(
        3,
        "Paraphrases per question that is learned. More teaches each fact in more "
        "wordings and takes longer; 0: none for validation and the quiz",
        Range(0, 10),
    )
    quiz_share: float = setting(
        0.1,
        "Share of questions that give one paraphrase to the quiz, at least one of a "
        "study; 0: none is added. More makes the quiz more precise and leaves fewer "
        "wordings to learn",
        _SHARE,
    )
    temperature: float = setting(
        0.9,
        "Temperature of sampled questions, answers and paraphrases. Higher makes them "
        "more varied, and more of them wrong",
        Range(0, 2, excludes_low=True),
    )
    question_tokens: int = setting(
        32,
        "Maximum new tokens per question. Raise it if questions are skipped because "
        "the model was cut off",
        Range(8, 512),
    )
    answer_tokens: int = setting(
        96,
        "Maximum new tokens per answer, and as many for its quote; the next quiz has "
        "the same limit. Raise it if samples are flagged “cut off”",
        Range(8, 4096),
    )
    feedback_tokens: int = setting(
        128,
        "Maximum new tokens per feedback. Raise it if feedback ends within a sentence",
        Range(8, 4096),
    )
    passage_tokens: int = setting(
        320,
        "Maximum tokens per passage when a text is split. More keeps more of the text "
        "together; reading it takes longer and more memory",
        Range(32, 8192),
    )
    passages_per_step: int = setting(
        8,
        "Passages that are studied together; a resumed run repeats at most these. More "
        "makes larger batches and takes more memory; samples then appear later",
        Range(1, 256),
    )
    evidence_threshold: float = setting(
        0.5,
        "Similarity from which a quote counts as found in the text. Higher flags more "
        "samples as “no evidence”, which no rule approves",
        _SHARE,
    )
    duplicate_threshold: float = setting(
        0.92,
        "Similarity from which two questions on a passage are duplicates. Lower leaves "
        "out more questions that are alike",
        _SHARE,
    )
    seed: int = setting(
        0,
        "The same seed gives the same random choices. Change it to see how much a "
        "study varies by chance",
    )


@dataclass(frozen=True)
class TrainSettings(Settings):
    """How a round is trained."""

    method: Method = setting(
        "refined_sft", "What the round learns from, and by which loss", METHODS
    )
    rank: int = setting(
        32,
        "LoRA rank. Higher can store more and takes more memory; not used if the round "
        "continues another",
        Range(1, 512),
    )
    alpha: int = setting(
        64,
        "LoRA alpha; the adapter is scaled by alpha / rank. Higher changes the model "
        "more at the same rate; not used if the round continues another",
        Range(1, 1024),
    )
    learning_rate: float = setting(
        0.0,
        "Peak learning rate of AdamW; 0: 3e-3 for SFT, 1e-4 for DPO. Higher learns "
        "faster and forgets more; lower it if the loss jumps",
        _SHARE,
    )
    epochs: float = setting(
        8,
        "Passes over the items. More learns more, forgets more and takes longer; "
        "validation may end the round earlier",
        Range(0, MANY, excludes_low=True),
    )
    max_steps: int = setting(
        0,
        "Optimiser steps; 0: as many as the epochs take. Set it to give several rounds "
        "the same length",
        Range(0, MANY),
    )
    least_steps: int = setting(
        120,
        "Fewest optimiser steps, where few items make short epochs; not for DPO, nor "
        "where the number of steps is set. More repeats few items more often",
        Range(0, MANY),
    )
    batch_size: int = setting(
        8,
        "Items per optimiser step. More makes the steps steadier, longer and fewer",
        Range(1, 1024),
    )
    warmup_steps: int = setting(
        10,
        "Steps of linear warm-up; then linear decay to zero. Raise it if the loss "
        "jumps at the beginning",
        Range(0, 1_000_000),
    )
    max_grad_norm: float = setting(
        1.0,
        "The gradient norm is clipped to this value. Lower it if the loss jumps",
        _ABOVE_0,
    )
    weight_decay: float = setting(
        0.0,
        "AdamW weight decay. Higher keeps the weights of the adapter smaller, so that "
        "it changes the model less",
        _SHARE,
    )
    max_tokens: int = setting(
        1024,
        "Longer raw texts are divided; other longer items are dropped and listed. More "
        "keeps longer items and takes more memory",
        Range(16, 1_000_000),
    )
    replay_share: float = setting(
        1.0,
        "Replay items per training item: answers to generated instructions. More "
        "forgets less and takes longer; 0 switches replay off",
        Range(0, 4),
    )
    least_replay: int = setting(
        0,
        "Fewest generated instructions, so that a small round repeats them less often. "
        "More forgets less; the model writes them first, which takes time",
        Range(0, 100_000),
        is_extra=True,
    )
    replay_weight: float = setting(
        3.0,
        "Higher forgets less and learns more slowly (weight of the KL to the base "
        "model); 0 switches replay off",
        Range(0, 100),
    )
    validation_share: float = setting(
        0.2,
        "Share of paraphrased samples that hold out one wording for validation; at "
        "least 8, and none if fewer than 16 samples have one. More is more precise and "
        "leaves fewer wordings to learn",
        _SHARE,
    )
    stop_at: float = setting(
        1.0,
        "Share of exact validation answers at which the round ends early; the learning "
        "rate then falls to zero over two more epochs. Lower ends it sooner; 0: never",
        _SHARE,
    )
    choose_scale: bool = setting(
        True,
        "Multiply the adapter by 0.9 or 0.8 if validation then loses at most 0.05, so "
        "that it forgets less; not if the round continues another",
    )
    only_gaps: bool = setting(
        True,
        "Train only on samples with a gap; off: all, as Autonomous Learning does, also "
        "what the model knows",
    )
    dqa: bool = setting(
        False,
        "Autonomous Learning, stage 1: also learn to ask the question from the passage "
        "and to answer it with the passage, as its authors do. The round takes longer "
        "and keeps these skills",
    )
    statements: int = setting(
        0,
        "CPT: statements per passage that the model writes and learns. More takes "
        "longer; 0: the passages alone",
        Range(0, 50),
    )
    beta: float = setting(
        0.1, "DPO beta. Higher stays closer to the round of stage 1", _ABOVE_0
    )
    nll_weight: float = setting(
        1.0,
        "Weight of the chosen answer's NLL added to DPO. Higher keeps that answer "
        "likely; 0: as Autonomous Learning does",
        Range(0, 100),
    )
    evolution: Evolution = setting("restart", EVOLUTION_MEANING, get_args(Evolution))
    meta_share: float = setting(
        0.25,
        "SELF: meta-skill items per new item. More keeps asking, judging and refining "
        "better and takes longer",
        Range(0, 4),
    )
    meta_examples: int = setting(
        420,
        "Maximum meta-skill items from the gold corpora. More teaches the skills "
        "better and takes longer",
        Range(0, 1_000_000),
    )
    checkpoint_seconds: float = setting(
        20.0, "Seconds between checkpoints. More writes less, and a crash loses more"
    )
    tracker: Tracker | None = setting(
        None,
        "Receives the metrics of the training: trackio, tensorboard or wandb, if it is "
        "installed",
        get_args(Tracker),
        is_extra=True,
    )
    devices: int = setting(
        1,
        "GPUs that train together, each with the whole model; without a GPU: "
        "processes. More GPUs take less time",
        Range(1, 64),
        is_extra=True,
    )
    seed: int = setting(
        0,
        "The same seed gives the same order, first adapter and validation wordings. "
        "Change it to see how much rounds vary by chance",
    )

    def __post_init__(self) -> None:
        """Read names of earlier versions, and check every field.

        Raises:
            InputError: A value is not allowed.
        """
        object.__setattr__(self, "method", method_name(self.method))
        object.__setattr__(self, "tracker", self.tracker or None)
        super().__post_init__()

    @property
    def traits(self) -> TrainingMethod:
        """Return how the method differs from the others."""
        return METHODS[self.method]

    def steps(self, per_epoch: int) -> int:
        """Return how many optimiser steps a round takes, unless it learns sooner."""
        if self.max_steps:
            return self.max_steps
        # Preferences go wrong when they are repeated, facts do not.
        least = 0 if self.traits.trains_preferences else self.least_steps
        return max(least, ceil(self.epochs * per_epoch))

    @property
    def replays(self) -> bool:
        """Return whether the round is held near the base model's own answers."""
        return bool(self.replay_share and self.replay_weight)

    def n_replay(self, n_items: int) -> int:
        """Return how many generated instructions are replayed for some items.

        Not more than the steps of the round take, since the base model writes each of
        them before the first step.
        """
        if not (self.replays and n_items):
            return 0
        wanted = max(round(self.replay_share * n_items), self.least_replay)
        # As many a step as ``training.replay.in_step`` takes of them.
        in_step = max(1, round(self.batch_size * self.replay_share))
        return min(wanted, self.steps(ceil(n_items / self.batch_size)) * in_step)

    def replay_epochs(self, n_items: int) -> float:
        """Return the epochs that it takes to replay everything once.

        More than 1 if ``least_replay`` asks for more than the share of some items, and
        less if the steps end within an epoch.
        """
        n, per_epoch = self.n_replay(n_items), self.replay_share * n_items
        return n / per_epoch if n and per_epoch else 1.0

    @property
    def peak_rate(self) -> float:
        """Return the learning rate after warm-up.

        Preferences move a model much further than answers do at the same rate.
        """
        return self.learning_rate or (1e-4 if self.traits.trains_preferences else 3e-3)

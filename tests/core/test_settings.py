import re
from dataclasses import fields
from math import inf
from pathlib import Path
from typing import get_args

import pytest

from autolearn import core
from autolearn.core.errors import InputError
from autolearn.core.experiments import EvolveSettings
from autolearn.core.methods import METHODS, Method, TrainingMethod
from autolearn.core.setting_fields import Range
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings

PACKAGE = Path(core.__file__).parents[1]


@pytest.mark.parametrize("kind", [ModelSettings, StudySettings, TrainSettings])
def test_settings_survive_being_kept(kind):
    assert kind.from_dict(kind().as_dict()) == kind()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ModelSettings, {"quantization": "int3"}),
        (ModelSettings, {"model": " "}),
        (StudySettings, {"questions_per_passage": 0}),
        (StudySettings, {"questions_per_passage": "8"}),
        (StudySettings, {"temperature": 0}),
        (TrainSettings, {"method": "magic"}),
        (TrainSettings, {"learning_rate": -1}),
        (TrainSettings, {"evolution": "jump"}),
        (TrainSettings, {"stop_at": 95}),
        (TrainSettings, {"validation_share": -0.1}),
        (TrainSettings, {"beta": 0}),
        (TrainSettings, {"max_grad_norm": inf}),
        (TrainSettings, {"tracker": "paper"}),
    ],
)
def test_nonsense_is_refused_in_one_sentence(kind, values):
    with pytest.raises(InputError) as error:
        kind.from_dict(values)
    assert str(error.value).endswith(".")


@pytest.mark.parametrize("kind", [StudySettings, TrainSettings])
def test_the_range_in_the_help_of_a_setting_is_the_one_that_is_checked(kind):
    ranges = {
        field.name: field.metadata["allowed"]
        for field in fields(kind)
        if isinstance(field.metadata["allowed"], Range)
    }
    assert len(ranges) > 10
    for name, allowed in ranges.items():
        assert kind.help()[name].endswith(f"({allowed}).")
        assert getattr(kind(**{name: allowed.low + 1}), name) == allowed.low + 1
        with pytest.raises(InputError, match=rf"^{name} must be {allowed}, not"):
            kind(**{name: allowed.low - 1})


def test_epochs_that_no_training_can_end_are_refused():
    """Their steps were a number of 300 digits."""
    with pytest.raises(InputError, match=r"^epochs must be above 0, up to 10,000,000"):
        TrainSettings(epochs=1e300)


def test_every_setting_has_a_help():
    for kind in (ModelSettings, StudySettings, TrainSettings):
        assert kind.help().keys() == {field.name for field in fields(kind)}
        assert all(len(text) > 8 for text in kind.help().values())


@pytest.mark.parametrize("kind", [StudySettings, TrainSettings, EvolveSettings])
def test_the_help_of_a_number_says_what_another_value_does(kind):
    """Most said only what is counted, and nobody knew when to change it."""
    numbers = [field.name for field in fields(kind) if field.type in (int, float)]
    assert len(numbers) > 3
    for name in numbers:
        words = set(re.findall(r"\w+", kind.help()[name]))
        assert words & {"More", "Higher", "Lower", "Raise", "Set", "Change"}, name


@pytest.mark.parametrize("kind", [ModelSettings, StudySettings, TrainSettings])
def test_settings_of_another_version_are_read_as_all_stored_values_are(kind):
    assert kind.from_dict({"unheard_of": 1, "round_id": None, "seed": None}) == kind()


def test_every_method_has_its_meaning():
    assert METHODS
    methods: tuple[Method, ...] = get_args(Method)
    assert set(methods) == METHODS.keys()
    for method in methods:
        assert TrainSettings(method=method).method == method


def test_each_property_of_a_method_holds_for_the_methods_that_are_named():
    properties = {
        name: {method for method in METHODS if getattr(METHODS[method], name)}
        for name in (field.name for field in fields(TrainingMethod))
        if name != "title"
    }
    assert properties == {
        "trains_preferences": {"al2"},
        "reads_texts_only": {"al1", "al2"},
        "is_second_stage": {"al2"},
        "is_first_stage": {"refined_sft", "al1", "self"},
        "evolves": {"self"},
        "teaches_skills": {"self", "meta"},
        "teaches_facts": METHODS.keys() - {"meta"},
        "reads_passages": {"cpt"},
        "learns_pairs": {"pairs"},
    }
    assert {m for m in METHODS if METHODS[m].uses_corpora} == {"self", "meta", "pairs"}
    assert {m for m in METHODS if not METHODS[m].needs_samples} == {"meta", "pairs"}


def test_no_module_compares_the_method_of_a_round_with_its_name():
    """Else a new method would have to be added to tests in many modules."""
    names = "|".join(METHODS)
    comparison = re.compile(rf"\bmethod\b (==|!=|in|not in) \(?\"({names})\"")
    texts = {path: path.read_text() for path in PACKAGE.rglob("*.py")}
    assert len(texts) > 100
    assert [path.name for path, text in texts.items() if comparison.search(text)] == []


def test_the_earlier_name_of_a_method_is_read_as_the_present_one():
    assert TrainSettings.from_dict({"method": "join"}).method == "refined_sft"

from typing import get_args

import pytest

from autolearn.core.errors import InputError
from autolearn.core.settings import (
    METHODS,
    Method,
    ModelSettings,
    StudySettings,
    TrainSettings,
)


@pytest.mark.parametrize("kind", [ModelSettings, StudySettings, TrainSettings])
def test_settings_survive_being_kept(kind):
    assert kind.from_dict(kind().as_dict()) == kind()


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ModelSettings, {"quantization": "int3"}),
        (ModelSettings, {"model": " "}),
        (StudySettings, {"questions_per_passage": 0}),
        (StudySettings, {"temperature": 0}),
        (TrainSettings, {"method": "magic"}),
        (TrainSettings, {"learning_rate": -1}),
        (TrainSettings, {"evolution": "jump"}),
        (TrainSettings, {"adapter": "dora"}),
        (TrainSettings, {"stop_at": 95}),
        (TrainSettings, {"validation_share": -0.1}),
        (TrainSettings, {"unheard_of": 1}),
    ],
)
def test_nonsense_is_refused_in_one_sentence(kind, values):
    with pytest.raises(InputError) as error:
        kind.from_dict(values)
    assert str(error.value).endswith(".")


def test_every_method_has_its_meaning():
    assert METHODS
    methods: tuple[Method, ...] = get_args(Method)
    assert set(methods) == METHODS.keys()
    for method in methods:
        assert TrainSettings(method=method).method == method


def test_the_earlier_name_of_a_method_is_read_as_the_present_one():
    assert TrainSettings.from_dict({"method": "join"}).method == "refined_sft"

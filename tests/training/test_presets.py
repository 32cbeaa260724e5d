"""Settings by model size."""

import shutil
from dataclasses import replace

import pytest

from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.models import files as model_files
from autolearn.models import shape as model_shape
from autolearn.training import presets, replay


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (3e6, "tiny"),
        (135e6, "small"),
        (5e8, "facts"),
        (8e9, "facts"),
        (7e10, "gentle"),
    ],
)
def test_a_model_gets_the_preset_of_its_size(monkeypatch, parameters, name):
    real = model_shape.of(model_files.BUILT_IN)
    shape = replace(real, parameters=int(parameters))
    monkeypatch.setattr(model_shape, "of", lambda folder: shape)
    assert presets.preset_for(ModelSettings()) == name


def test_meta_skills_of_a_model_as_it_comes_have_a_preset_of_their_own(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(model_files.BUILT_IN, folder)
    (folder / model_files.ADAPTER_NOTE).unlink(missing_ok=True)
    assert presets.preset_for(ModelSettings(str(folder)), "meta") == "skills"
    assert presets.preset_for(ModelSettings(str(folder)), "self") == "tiny"
    assert presets.preset_for(ModelSettings(), "meta") == "tiny"
    settings = presets.PRESETS["skills"].apply(TrainSettings(method="meta"))
    assert (settings.steps(70), settings.batch_size, settings.rank) == (70, 6, 16)


def test_a_preset_changes_only_what_it_is_for():
    settings = TrainSettings(method="self", rank=8, epochs=3, max_tokens=99)
    for preset in presets.PRESETS.values():
        changes = preset.apply(settings)
        assert (changes.method, changes.max_tokens) == ("self", 99)
        assert changes.rank in (16, 32, 64)
    tiny = presets.PRESETS["tiny"].apply(TrainSettings())
    assert replace(tiny, least_replay=0) == TrainSettings()


def test_a_round_of_a_few_facts_is_short_with_a_real_model():
    settings = presets.PRESETS["facts"].apply(TrainSettings())
    assert settings.steps(24 // settings.batch_size) * settings.batch_size <= 8 * 24
    replay_per_step = replay.in_step(settings, 24, settings.n_replay(24))
    assert replay_per_step == settings.replay_share * settings.batch_size


def test_preference_keeps_its_own_learning_rate():
    facts, second = presets.PRESETS["facts"], TrainSettings(method="al2")
    assert facts.apply(TrainSettings()).peak_rate == 2e-4
    assert facts.apply(second).peak_rate == second.peak_rate < 1e-3

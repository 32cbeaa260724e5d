"""What the Model tab says about the hub, a download, and what is here already."""

import shutil
from dataclasses import replace

import pytest

from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.models.sources.hub import HubFile, Offer
from autolearn.models.sources.local import LocalModel
from autolearn.services import model_actions
from autolearn.store import Pace
from autolearn.ui.views import history
from autolearn.ui.views import model_sources as views

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
GIB = 1 << 30


@pytest.fixture
def offer():
    return Offer(
        name="org/name",
        found_as="org/name",
        commit="a" * 40,
        licence="apache-2.0",
        gated=False,
        parts=(HubFile("config.json", 700), HubFile("model.safetensors", 2 * GIB)),
        bytes_missing=2 * GIB + 700,
        bytes_free=10 * GIB,
        cache="/home/me/.cache",
        endpoint="https://huggingface.co",
    )


def is_escaped(markup):
    return not any(part in markup for part in ("<img", "${", "{{"))


def test_size_licence_and_free_disk_are_shown_first(offer):
    markup = views.offer(offer)
    for words in ("apache-2.0", "2.0 GiB", "10.0 GiB", "model.safetensors", "fits"):
        assert words in markup
    assert "gated" not in markup
    assert "have accepted" in views.offer(replace(offer, gated=True))
    assert "not stated" in views.offer(replace(offer, licence=None))
    assert is_escaped(views.offer(replace(offer, licence=HOSTILE, name=HOSTILE)))


def test_what_is_here_already_is_not_counted_again(offer):
    assert "the rest is already here" in views.offer(replace(offer, bytes_missing=GIB))
    assert "to fetch it" in views.offer(offer)
    markup = views.offer(replace(offer, bytes_missing=0))
    assert "already on this computer" in markup
    assert "to fetch it" not in markup


def test_a_disk_that_is_too_small_is_shown_with_what_to_do(offer):
    markup = views.offer(replace(offer, bytes_free=GIB))
    assert "does not fit" in markup
    assert "needs 2.0 GiB more and 1.0 GiB are free" in markup


def test_a_download_shows_how_far_it_is_and_what_can_be_done(store):
    assert views.download(store) == ""
    run = store.runs.create("download", {"name": "org/name", "bytes": 9})
    assert "Queued." in views.download(store)
    store.runs.claim(1, ["download"])
    store.runs.save_progress(run.id, Pace("model.safetensors", 2048, 8192, 1024.0, 6.0))
    markup = views.download(store)
    assert "2 MiB of 8 MiB" in markup
    assert "1.0 MiB/s, time left: 6 s" in markup
    assert f'data-pick="stop {run.id}"' in markup
    store.runs.finish(run.id, "failed", HOSTILE)
    markup = views.download(store)
    assert f'data-pick="resume {run.id}"' in markup
    assert "they are kept" in markup
    assert is_escaped(markup)


def test_a_model_that_has_come_can_be_used_until_it_is(store, tmp_path):
    run = store.runs.create("download", {"name": "org/name", "bytes": 9})
    store.runs.finish(run.id, "done", None, {"path": str(tmp_path / "gone")})
    assert views.downloaded(store) == ""
    store.runs.finish(run.id, "done", None, {"path": str(tmp_path)})
    assert 'data-pick="org/name"' in views.downloaded(store)
    assert views.download(store) == ""
    store.choices.set("model", ModelSettings("org/name").as_dict())
    assert views.downloaded(store) == ""


def test_models_are_named_by_a_click_and_say_why_they_cannot_be_used():
    models = [
        LocalModel("built-in", "built-in", 7 << 20, None),
        LocalModel("/lab/models/tiny", "converted", 2 * GIB, None),
        LocalModel("org/base", "hub cache", GIB, f"No template {HOSTILE}."),
    ]
    markup = views.local(models)
    assert 'data-pick="/lab/models/tiny"' in markup
    assert ">tiny<" in markup
    assert "1 that cannot be used yet" in markup
    assert "No template" in markup
    assert is_escaped(markup)


def test_folders_that_were_used_are_offered_while_they_are_there(store, tmp_path):
    mine = tmp_path / "My-1B"
    shutil.copytree(model_files.BUILT_IN, mine)
    for model in (str(mine), "built-in", "http://127.0.0.1:9/v1", str(tmp_path / "no")):
        store.runs.create("study", {"model": ModelSettings(model).as_dict()})
    models = model_actions.on_this_computer(store)
    assert [m.name for m in models if m.place == "folder"] == [str(mine)]
    assert [m.name for m in models].count("built-in") == 1
    markup = views.local(models)
    assert f'data-pick="{mine}"' in markup
    assert ">My-1B<" in markup


def test_the_history_shows_a_download_like_any_run(store):
    run = store.runs.create("download", {"name": "org/name", "bytes": 9})
    store.runs.finish(run.id, "done", None, {"path": "/cache/x"})
    assert "Download" in history.runs(store, 0)
    assert "org/name" in history.run_details(store, run.id)
    assert "Download (run 1)" in str(history.choices(store))


@pytest.mark.parametrize(("kl", "much"), [(0.02, False), (0.4, True)])
def test_the_effect_of_the_second_rounding_is_shown(kl, much):
    rounding = {"kl": kl, "same": 0.9, "n_tokens": 200}
    markup = views.rounding({"file": "a.gguf", "rounding": rounding})
    assert "at 90% of 200 positions" in markup
    assert ("16 or 32 bit" in markup) == much

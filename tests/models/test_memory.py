"""Estimates of memory, and plans that fit."""

from dataclasses import replace

import pytest

from autolearn.core.errors import OutOfMemory
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.models import files as model_files
from autolearn.models import hardware, memory, memory_calibration
from autolearn.models import shape as model_shape
from autolearn.models.batch_shape import ItemSizes
from autolearn.models.memory import AT_ONCE, Device, MemoryEstimator
from autolearn.models.memory_calibration import Correction

GIB = 1 << 30
CARD, CPU = Device("cuda", half=True), Device("cpu", half=False)
LAYER = (*[(4096, 4096)] * 2, *[(1024, 4096)] * 2, *[(14336, 4096)] * 3)
SETTINGS = TrainSettings(rank=16, alpha=32)


@pytest.fixture(scope="module")
def large():
    """Return a Llama 3 8B as its headers tell it."""
    return replace(
        model_shape.of(model_files.BUILT_IN),
        parameters=8_030_261_248,
        linear=LAYER * 32,
        hidden_size=4096,
        inner=14336,
        kv=1024,
        layers=32,
        vocabulary=128_256,
    )


def items(longest=512, learned_share=0.2, batch=16):
    return ItemSizes(longest, 100_000, round(100_000 * learned_share), batch * longest)


def test_the_estimate_of_an_8b_in_4_bit_matches_measurements(large):
    memory = MemoryEstimator(large, "nf4", CARD).loading()
    # 5.7 GB: 6.98 billion packed weights, the embeddings and the head in 16 bit.
    assert memory.weights + memory.scales == pytest.approx(5.7e9, rel=0.01)
    assert (
        MemoryEstimator(large, "none", CARD).loading().weights == 2 * large.parameters
    )
    assert MemoryEstimator(large, "none", CPU).loading().weights == 4 * large.parameters


def test_a_small_model_is_dequantised_on_a_cpu():
    shape = model_shape.of(model_files.BUILT_IN)
    memory = MemoryEstimator(shape, "nf4", replace(CPU, size=GIB)).loading()
    assert (memory.weights, memory.scales) == (4 * shape.parameters, 0)
    assert MemoryEstimator(shape, "nf4", CPU).loading().scales > 0
    assert MemoryEstimator(shape, "nf4", CARD).loading().scales > 0


def test_a_gpu_dequantises_weights_up_to_a_quarter_of_its_memory(large):
    plain = 2 * large.parameters
    estimator = MemoryEstimator(large, "nf4", replace(CARD, size=80 * GIB))
    assert (estimator.weights, estimator.loading().scales) == (plain, 0)
    assert not MemoryEstimator(large, "none", estimator.device).unpacks
    small = MemoryEstimator(large, "nf4", replace(CARD, size=24 * GIB))
    assert small.weights == MemoryEstimator(large, "nf4", CARD).weights < 6e9


def test_weights_stay_quantised_when_the_gpu_is_in_use(large):
    estimator = MemoryEstimator(large, "nf4", replace(CARD, size=80 * GIB))
    assert estimator.within(40 * GIB) == estimator
    assert estimator.within(24 * GIB).weights < 6e9
    whole = replace(estimator, quantization="none")
    assert whole.within(16 * GIB) == whole


def test_more_memory_allows_more_tokens_per_pass(large):
    estimator = MemoryEstimator(large, "nf4", CARD)
    roomy = estimator.plan(SETTINGS, items(batch=64), 200 * GIB)
    assert (roomy.tokens, roomy.recompute) == (AT_ONCE, False)
    tight = estimator.plan(SETTINGS, items(batch=64), 16 * GIB)
    assert tight.recompute or tight.tokens < AT_ONCE
    for room in (200 * GIB, 16 * GIB, 6 * GIB):
        load = estimator.plan(SETTINGS, items(batch=64), room)
        memory = estimator.training(SETTINGS, load)
        assert memory.total - memory.n_loaded <= room
        assert load.tokens >= 512


def test_a_cpu_takes_no_more_at_once_than_pays(large):
    half_a_billion = replace(
        large,
        linear=LAYER[:2] + ((4864, 896),) * 72,
        hidden_size=896,
        inner=4864,
        kv=128,
        layers=24,
        vocabulary=151_936,
    )
    estimator = MemoryEstimator(half_a_billion, "none", CPU)
    load = estimator.plan(SETTINGS, items(longest=200), 200 * GIB)
    assert (load.tokens, load.recompute) == (256, False)
    assert estimator.training(SETTINGS, load).at_work < 2 * GIB
    # The longest item goes through in any case, and a card takes what it has.
    assert estimator.plan(SETTINGS, items(longest=900), 200 * GIB).tokens == 900
    card = replace(estimator, device=CARD)
    assert (
        card.plan(SETTINGS, items(longest=200, batch=64), 200 * GIB).tokens == AT_ONCE
    )


def test_a_round_that_does_not_fit_raises_an_error_with_settings(large):
    estimator, long = MemoryEstimator(large, "nf4", CARD), items(longest=4096, batch=4)
    words = r"4096 tokens .* at most \d+ tokens per item \(--max-tokens\)"
    with pytest.raises(OutOfMemory, match=words) as error:
        estimator.plan(SETTINGS, long, 2 * GIB)
    advice = error.value.advice
    assert set(advice) == {"max_tokens"}
    short = replace(long, longest=advice["max_tokens"])
    assert estimator.plan(replace(SETTINGS, **advice), short, 2 * GIB).tokens
    with pytest.raises(OutOfMemory, match="smaller model") as error:
        estimator.plan(SETTINGS, long, 1000)
    assert error.value.advice == {}


def test_a_lower_rank_is_proposed_where_a_shorter_item_does_not_help(large):
    estimator = MemoryEstimator(large, "nf4", CARD)
    wide = replace(SETTINGS, rank=512)
    with pytest.raises(OutOfMemory) as error:
        estimator.plan(wide, items(longest=256), 4 * GIB)
    assert error.value.advice["rank"] < 512


def test_a_study_needs_memory_for_its_cache(large):
    estimator = MemoryEstimator(large, "nf4", CARD)
    single = estimator.study(StudySettings(passages_per_step=1), 100)
    many = estimator.study(StudySettings(passages_per_step=8), 100)
    # 48 texts on one passage, 128 on eight: (8 * 320 + 128 * 288) / (320 + 48 * 288).
    assert many.cache / single.cache == pytest.approx(2.787, rel=1e-3)


def test_a_cpu_keeps_programs_for_products_in_16_bit(large):
    exact, half = (
        MemoryEstimator(large, "none", Device("cpu", half=h)) for h in (False, True)
    )
    programs = memory.PROGRAMS * (600 << 10)
    difference = half.writing(1, 0).activations - exact.writing(1, 0).activations
    assert difference == pytest.approx(programs, rel=0.1)


def test_the_cache_leaves_memory_for_reading(large):
    estimator = MemoryEstimator(large, "nf4", CARD)
    few, many = estimator.columns(4 * GIB), estimator.columns(8 * GIB)
    # 2 x 32 layers x 1024 in 16 bit, and half as much that is made ahead.
    assert (many - few) * 196_608 == pytest.approx(0.9 * 4 * GIB, rel=1e-4)
    assert 0 < few * 196_608 < 0.9 * 4 * GIB
    assert estimator.columns(0) == 0


def test_kept_prefixes_are_part_of_what_generation_needs(large):
    estimator = MemoryEstimator(large, "nf4", CARD)
    n_prefixes = estimator.writing(8, 1000).prefixes
    # Keys and values of 32 layers x 1024 in 16 bit.
    assert n_prefixes == memory.KEPT_TOKENS * 2 * 32 * 1024 * 2
    assert estimator.writing(8, 1000).total > n_prefixes
    assert estimator.training(SETTINGS, items().at_once(512)).prefixes == 0
    free = 8 * GIB
    without = replace(estimator, shape=replace(large, kv=0))
    assert without.prefixes == 0
    room = 0.9 * free - n_prefixes - estimator._reading(16_384)
    assert estimator.columns(free) == int(room) // 196_608


def test_a_run_that_was_measured_corrects_the_next_estimate(large):
    estimator = MemoryEstimator(large, "nf4", CARD)
    memory = estimator.training(SETTINGS, items().at_once(4096))
    n_loaded = memory.n_loaded + 300_000_000
    peak = (
        n_loaded
        + (memory.total - memory.n_loaded - memory.at_work)
        + memory.at_work // 2
    )
    correction = memory_calibration.correction(
        memory_calibration.numbers(memory, n_loaded, peak)
    )
    assert correction.n_loaded == 300_000_000
    assert correction.at_work == pytest.approx(0.5, rel=1e-6)
    assert correction.apply(memory).total == pytest.approx(peak, rel=1e-6)
    assert memory_calibration.correction({}) == Correction()
    strange = memory_calibration.numbers(memory, n_loaded, 100 * peak)
    assert memory_calibration.correction(strange).at_work == 4.0


def test_the_device_is_found_without_torch(monkeypatch):
    monkeypatch.setattr(hardware, "gpus", lambda: ())
    assert hardware.device().kind == "cpu"
    assert hardware.free() == pytest.approx(hardware.free_memory(), rel=0.1)
    card = hardware.Gpu("a card", 1, 5 * GIB)
    monkeypatch.setattr(hardware, "gpus", lambda: (card,))
    assert hardware.device() == replace(CARD, size=5 * GIB)
    assert hardware.free() == 5 * GIB - 1


def test_the_estimate_includes_base_predictions():
    estimator = MemoryEstimator(model_shape.of(model_files.BUILT_IN), "nf4", CPU)
    load = items().at_once(512)
    more = estimator.training(SETTINGS, replace(load, n_replay=1000))
    a_token = 4 * (memory.LIKELIEST + memory.LIKELIEST + 1)
    assert more.total - estimator.training(SETTINGS, load).total == 1000 * a_token


def test_a_packed_copy_is_planned_when_memory_allows():
    shape = model_shape.of(model_files.BUILT_IN)
    exact = MemoryEstimator(shape, "nf4", replace(CPU, size=GIB))
    assert 0 < exact.copies <= exact.loading().weights
    assert exact.writing(8, 1000).copies == exact.copies
    assert exact.training(SETTINGS, items().at_once(512)).copies == 0
    assert exact.within(GIB) == exact
    tight = exact.within(exact.weights + 2 * exact.copies)
    assert tight.unpacks
    assert (tight.copies, tight.writing(8, 1000).copies) == (0, 0)
    others = [CARD, CPU, Device("cpu", half=True, size=GIB)]
    assert not any(MemoryEstimator(shape, "nf4", device).copies for device in others)

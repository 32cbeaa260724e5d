"""Warnings of our own modules fail a test; those of other people's packages do not."""

import warnings

import pytest

OWN = [
    "app",
    "autolearn",
    "autolearn.engine.decoding.padded_rows",
    "benchmarks.peers",
    "tests.support.files",
]
OTHERS = ["transformers.models.llama", "appdirs", "autolearning", "sometests.autolearn"]
CATEGORIES = [UserWarning, DeprecationWarning, FutureWarning, RuntimeWarning]


def warn_from(module, category):
    """Issue a warning that Python attributes to a module."""
    call = "warnings.warn('deliberate', category, stacklevel=1)"
    exec(call, {"warnings": warnings, "category": category, "__name__": module})


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("module", OWN)
def test_a_warning_of_an_own_module_is_an_error(module, category):
    with pytest.raises(category, match="deliberate"):
        warn_from(module, category)


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("module", OTHERS)
def test_a_warning_of_another_package_is_only_recorded(module, category):
    with warnings.catch_warnings(record=True) as records:
        warn_from(module, category)
    assert [str(warning.message) for warning in records] == ["deliberate"]

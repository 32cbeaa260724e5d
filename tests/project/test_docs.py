"""What the pages say is true."""

import argparse
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from autolearn import __version__
from autolearn.cli.main import parser
from autolearn.core.flags import FLAGS
from autolearn.core.methods import METHODS
from autolearn.study.rules import RULES

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        ROOT / "autolearn/demo/README.md",
    )
)
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def local_links(name):
    return [t for t in LINK.findall(page(name)) if "://" not in t]


def modules_run(name):
    return re.findall(r"python -m ((?:autolearn|benchmarks)[\w.]*)", page(name))


def anchors(name):
    """Return the anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page(name), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


def test_the_results_page_shows_the_result_files():
    render = runpy.run_path(str(ROOT / ".ci" / "results.py"))["render"]
    files = sorted((ROOT / "docs" / "results").glob("*.json"))
    assert files
    assert page("docs/results.md") == render(files), "run: python .ci/results.py"


def test_the_schema_page_is_the_schema(store):
    render = runpy.run_path(str(ROOT / ".ci" / "schema.py"))["render"]
    assert page("docs/schema.md") == render(store), "run: python .ci/schema.py"


def test_there_are_pages_to_check():
    assert {"README.md", "ARCHITECTURE.md", "docs/guide.md"} <= set(PAGES)
    assert any(map(local_links, PAGES))
    assert any(map(modules_run, PAGES))


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_to_a_file_and_a_heading(name):
    for target in local_links(name):
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name} links to {target}, which is missing"
        if anchor:
            link_paths = file.resolve().relative_to(ROOT).as_posix()
            assert anchor in anchors(link_paths), f"{target} names no heading"


def test_the_readme_links_to_every_page_for_users():
    targets = {t for t in LINK.findall(page("README.md")) if t.startswith("docs/")}
    for_contributors = {"docs/internals.md", "docs/schema.md"}
    assert {n for n in PAGES if n.startswith("docs/")} == targets | for_contributors


def test_readme_and_architecture_stay_short():
    assert len(page("README.md").split()) <= 1200
    assert len(page("ARCHITECTURE.md").splitlines()) <= 150


def test_the_glossary_has_at_most_30_terms():
    terms = re.findall(r"^\| \*\*", page("docs/glossary.md"), re.MULTILINE)
    assert 0 < len(terms) <= 30


def test_the_newest_change_is_of_this_version():
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", page("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == __version__


def commands_by_name() -> dict[str, argparse.ArgumentParser]:
    (action,) = (
        action
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return dict(action.choices)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_on_a_page_exists(name):
    names = commands_by_name()
    assert set(re.findall(r"python -m autolearn (\w+)", page(name))) <= set(names)


@pytest.mark.parametrize("name", PAGES)
def test_every_module_that_a_page_runs_exists(name):
    for module in modules_run(name):
        path = ROOT / module.rstrip(".").replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), module


def test_every_path_for_contributors_exists():
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "docs/engine.md"):
        paths = re.findall(r"`([\w.]+/[\w./]*)`", page(name))
        assert paths
        for path in paths:
            assert any((top / path).exists() for top in (ROOT, ROOT / "autolearn")), (
                path
            )


def test_every_flag_in_the_guides_exists():
    commands = commands_by_name().values()
    names = {flag for c in commands for a in c._actions for flag in a.option_strings}
    names |= {"--host", "--auth"}  # of app.py
    for name in ("guide", "study", "learning", "evaluation", "models"):
        flags = set(re.findall(r"(?<![\w-])--[a-z][\w-]+", page(f"docs/{name}.md")))
        assert flags <= names, f"docs/{name}.md: {flags - names}"


def test_the_guide_has_every_command():
    names = commands_by_name()
    assert set(names) == set(
        re.findall(r"python -m autolearn (\w+)", page("docs/guide.md"))
    )


def test_every_method_is_explained():
    assert METHODS
    assert all(f"| `{method}` |" in page("docs/learning.md") for method in METHODS)


def test_every_rule_is_explained():
    assert RULES
    assert all(f"| `{rule}` |" in page("docs/guide.md") for rule in RULES)


def test_every_package_is_named_with_its_reason():
    packages = re.findall(r"^([\w-]+)[>=]", page("requirements.in"), re.MULTILINE)
    assert packages
    table = page("README.md")
    assert all(f"| {name} |" in table for name in packages)


def test_the_app_explains_its_flags():
    process = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0
    for flag in ("--workspace", "--model", "--host", "--port", "--no-browser"):
        assert flag in process.stdout


def test_the_study_page_lists_every_flag_as_the_table_has_it():
    assert FLAGS
    page = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    for name, info in FLAGS.items():
        assert f"| `{name}` | {info.label} | {info.severity} | {info.meaning} |" in page

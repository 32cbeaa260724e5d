"""What the pages say is true."""

import re
import subprocess
import sys
from pathlib import Path

from autolearn import __version__
from autolearn.__main__ import parser
from autolearn.settings import METHODS
from autolearn.store import schema_sql

ROOT = Path(__file__).parent.parent


def page(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_schema_in_the_architecture_is_the_schema(store):
    (block,) = re.findall(r"```sql\n(.*?)```", page("ARCHITECTURE.md"), re.DOTALL)
    assert block.strip() == schema_sql(store.db).strip()


def test_the_newest_change_is_of_this_version():
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", page("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == __version__


def test_every_command_in_the_readme_is_one():
    known = parser()._subparsers._group_actions[0].choices
    used = re.findall(r"python -m autolearn (\w+)", page("README.md"))
    assert used
    assert set(used) <= set(known)
    assert set(known) <= set(used), "the README does not mention a command"


def test_every_method_is_explained_in_the_readme():
    assert all(f"`{method}`" in page("README.md") for method in METHODS)


def test_every_package_is_named_with_its_reason():
    wanted = re.findall(r"^([\w-]+)[>=]", page("requirements.in"), re.MULTILINE)
    assert wanted
    table = page("README.md")
    assert all(f"| {name} |" in table for name in wanted)


def test_the_app_explains_its_flags():
    done = subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    for flag in ("--workspace", "--model", "--host", "--port", "--no-browser"):
        assert flag in done.stdout

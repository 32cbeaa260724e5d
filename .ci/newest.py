"""Run the quicker tests with the newest versions that the ranges allow: a report only.

python .ci/newest.py LOCKED NEWEST: LOCKED is a virtual environment made from
requirements-dev.txt; NEWEST, which must not exist, becomes a copy of it, upgraded to
what requirements-dev.in allows. Nothing is copied where no version differs.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
UPGRADE = ("--upgrade", "--upgrade-strategy=eager", "--requirement=requirements-dev.in")
ENGINE = ("attention", "batches", "families", "fitting", "generation", "training")
"""Those of tests/torch_model that need tiny networks and no worker."""


def main(locked: Path, newest: Path) -> None:
    """Report which versions differ and which tests fail with the newest ones."""
    differing = differences(locked)
    if not differing:
        say("The newest versions are the locked ones: no second run.")
        return
    say("Newer than locked:", *differing)
    subprocess.run(["cp", "-a", str(locked), str(newest)], check=True)
    python(newest, "pip", "install", "--quiet", *UPGRADE)
    options = ("--quiet", "--tb=no", "--no-header", "--disable-warnings", "-rfE")
    engine = [f"tests/torch_model/test_{name}.py" for name in ENGINE]
    lines = [
        line
        for tests in (["--fast"], engine)
        for line in python(newest, "pytest", *options, *tests, check=False).splitlines()
    ]
    failures = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    say("With the newest versions:", *(failures or lines[-1:]))


def differences(locked: Path) -> list[str]:
    """Return ``name: locked -> newest`` of what an upgrade would install."""
    present = json.loads(python(locked, "pip", "list", "--format=json"))
    versions = {normal(package["name"]): package["version"] for package in present}
    options = ("--quiet", "--dry-run", "--report=-")
    report = json.loads(python(locked, "pip", "install", *options, *UPGRADE))
    packages = [package["metadata"] for package in report["install"]]
    return sorted(
        f"{package['name']}: {versions.get(normal(package['name']), 'none')}"
        f" -> {package['version']}"
        for package in packages
        if normal(package["name"]) != "pip"
    )


def normal(name: str) -> str:
    """Return a package's name as it is compared."""
    return name.lower().replace("_", "-").replace(".", "-")


def python(environment: Path, *command: str, check: bool = True) -> str:
    """Run a module in an environment and return what it prints."""
    full = [str(environment / "bin" / "python"), "-m", *command]
    run = subprocess.run(full, cwd=ROOT, check=check, stdout=subprocess.PIPE, text=True)
    return run.stdout


def say(heading: str, *lines: str) -> None:
    """Print a heading and indented lines."""
    sys.stdout.write("\n    ".join([heading, *lines]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

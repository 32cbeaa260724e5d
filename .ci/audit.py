"""Report known vulnerabilities of the locked versions; it never fails.

python .ci/audit.py ENVIRONMENT: pip-audit is installed into this new virtual
environment and asks PyPI about each version in requirements-bench.lock. Where it cannot
reach its source, the report says so.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PIP_AUDIT = "pip-audit>=2.10,<3"
LOCK = "requirements-bench.lock"
"""The largest one; it includes the others."""


def main(environment: Path) -> None:
    """Install pip-audit, ask, and print what it knows."""
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", PIP_AUDIT], check=True)
    command = [python, "-m", "pip_audit", "--disable-pip", "--progress-spinner=off"]
    command += ["--require-hashes", "--format=json", "--requirement", LOCK]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    sys.stdout.write("\n    ".join(report(run.stdout, run.stderr)) + "\n")


def report(output: str, errors: str) -> list[str]:
    """Return the lines of the report, from what pip-audit has written."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reasons = errors.strip().splitlines() or ["no answer"]
        return [f"No report on known vulnerabilities: {reasons[-1]}"]
    lines = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in packages
        for hole in package.get("vulns", ())
    ]
    n_checked = sum("skip_reason" not in package for package in packages)
    if not n_checked:
        return ["No report on known vulnerabilities: no version was found on PyPI."]
    known = f"{n_checked} of {len(packages)} locked versions"
    if not lines:
        return [f"No known vulnerabilities in {known}."]
    return [f"Known vulnerabilities in {known}:", *lines]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The versions that a run is made with."""

import importlib.metadata
import platform

PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "sqlite-utils", "gradio")


def versions() -> dict[str, str]:
    """Return the versions that a run is made with."""
    names = ("autolearn", *PACKAGES)
    by_package = {"python": platform.python_version()}
    for name in names:
        try:
            by_package[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return by_package

"""By which protocol of study the weights of a model are asked."""

from pathlib import Path

from autolearn.core.settings import ModelSettings
from autolearn.models import files
from autolearn.models.notes import noted_protocol as noted_protocol
from autolearn.study.protocol import DEFAULT, PROTOCOLS


def study_protocol(base: Path, adapter: Path | None = None) -> str:
    """Return the protocol noted for an adapter, else for its base, else the default."""
    noted = noted_protocol(adapter) if adapter else None
    return noted or noted_protocol(base) or DEFAULT


def is_bare(folder: Path) -> bool:
    """Return whether a model was trained on bare prompts, without a system message."""
    return not PROTOCOLS[study_protocol(folder)].guided


def is_guided(model: ModelSettings, protocol: str) -> bool:
    """Return whether a model is asked as instruct models are; "auto": as it notes."""
    own = study_protocol(files.locate(model.model))
    return PROTOCOLS[own if protocol == "auto" else protocol].guided

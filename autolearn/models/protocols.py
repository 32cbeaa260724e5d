"""By which protocol of study the weights of a model are asked."""

from pathlib import Path

from autolearn.core.settings import ModelSettings
from autolearn.models import files
from autolearn.models.files import ADAPTER_NOTE
from autolearn.models.foreign import contained
from autolearn.models.small_files import read_json
from autolearn.study.protocol import DEFAULT, PROTOCOLS


@contained
def noted_protocol(folder: Path) -> str | None:
    """Return the protocol noted for a model or adapter, if any."""
    protocol = read_json(folder / ADAPTER_NOTE).get("protocol")
    return protocol if isinstance(protocol, str) and protocol in PROTOCOLS else None


def study_protocol(base: Path, adapter: Path | None = None) -> str:
    """Return the protocol noted for an adapter, else for its base, else the default."""
    noted = noted_protocol(adapter) if adapter else None
    return noted or noted_protocol(base) or DEFAULT


def is_guided(model: ModelSettings, protocol: str) -> bool:
    """Return whether a model is asked as instruct models are; "auto": as it notes."""
    own = study_protocol(files.locate(model.model))
    return PROTOCOLS[own if protocol == "auto" else protocol].guided

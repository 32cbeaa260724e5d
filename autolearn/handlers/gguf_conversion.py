"""Convert a GGUF file, once, into a folder that is used like any other model's.

The weights are written whole or not at all, with a note of what they were made from.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path

from autolearn.core.atomic import atomic_folder
from autolearn.core.ports import Cancelled
from autolearn.core.run_results import ConvertResult
from autolearn.core.run_settings import ConvertRunSettings
from autolearn.engine import gguf
from autolearn.models import files as model_files
from autolearn.models.sources import gguf_file
from autolearn.runs.context import RunContext
from autolearn.runs.model_choice import choose_model, chosen_model

_STEPS = 3


def convert(context: RunContext) -> ConvertResult:
    """Convert the file that a run names, measure its second rounding, choose it.

    A file that has been converted is not converted again. A model that the user has
    chosen since this was queued stays in use.
    """
    settings = ConvertRunSettings.of(context.run)
    file = gguf_file.locate(settings.file)
    folder = gguf_file.converted(context.workspace, file)
    if folder is None:
        folder = gguf_file.new_folder(context.workspace, file)
        _convert(context, file, folder)
    if settings.use and settings.in_place_of in (None, chosen_model(context.store)):
        choose_model(context.store, replace(settings.use, model=str(folder)))
    note = gguf_file.source(folder)
    return ConvertResult(str(folder), str(file), note["rounding"])


def _convert(context: RunContext, file: Path, folder: Path) -> None:
    header = gguf_file.read(file)
    gguf_file.check(file, header)
    with atomic_folder(folder) as draft:
        context.progress("unpacking the weights", 0, _STEPS)
        gguf.write_plain(file, draft)
        if context.stop():
            raise Cancelled
        model_files.check(draft)
        context.progress("comparing with 4 bit", 1, _STEPS)
        rounding = gguf.rounding(draft, context.stop)
        note = {
            "file": file.name,
            "digest": gguf_file.digest(file),
            "kinds": header.kinds,
            "licence": header.licence,
            "rounding": asdict(rounding),
        }
        text = json.dumps(note, indent=2) + "\n"
        (draft / gguf_file.NOTE).write_text(text, encoding="utf-8")
    context.progress("done", _STEPS, _STEPS)

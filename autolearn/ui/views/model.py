"""What a model is, what it needs, whether it fits, and what the worker holds."""

from collections.abc import Sequence
from pathlib import Path

from autolearn.core.errors import AutolearnError
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings, Quantization, StudySettings
from autolearn.models import files as model_files
from autolearn.models import hardware
from autolearn.models import shape as model_shape
from autolearn.models.memory import USABLE_SHARE, MemoryEstimator, too_big
from autolearn.models.shape import ModelShape
from autolearn.models.sources import gguf_file
from autolearn.runs import queues
from autolearn.runs.model_choice import chosen_model
from autolearn.services import model_actions
from autolearn.services.estimates import memory_needs
from autolearn.services.integrity import Finding
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels, memory, model_sources, servers


def about(store: Store, name: str, quantization: Quantization) -> Html:
    """Return a description of the named model, or why it cannot be used."""
    try:
        if is_server(name):
            return servers.about(store, name)
        if model_actions.is_gguf(name) and not model_actions.converted_folder(
            store, name
        ):
            return model_sources.gguf(name)
        own = model_actions.as_folder(store, name)
        folder = model_files.locate(own)
        shape = model_shape.of(folder)
    except (AutolearnError, OSError) as error:
        return html.tag("section", html.problem(str(error)), "al-card")
    file = Path(name).name if model_actions.is_gguf(name) else None
    title = html.tag("h3", html.text(file or model_files.name_of(name, folder)))
    head = title + _in_use(store, own, quantization)
    model = ModelSettings(own, quantization)
    body = html.pairs(_facts(store, shape, folder)) + _fit(store, model)
    return html.card(head, body + _rounding(folder) + _files(folder), "al-model")


def _in_use(store: Store, name: str, quantization: Quantization) -> Html:
    current = chosen_model(store)
    if (current.model, current.quantization) == (name.strip(), quantization):
        return html.badge("in use", "approved")
    return html.badge("not in use")


def _rounding(folder: Path) -> Html:
    source = gguf_file.source(folder)
    return model_sources.rounding(source) if source else Html("")


def _facts(store: Store, shape: ModelShape, folder: Path) -> dict[str, Html]:
    return {
        "Family": html.text(shape.family),
        "Architecture": html.text(shape.architecture),
        "Parameters": html.text(_count(shape.parameters)),
        "Context": html.text(
            f"{shape.context:,} tokens" if shape.context else html.DASH
        ),
        "Stored as": html.text(shape.dtype),
        "Chat template": html.text("yes" if model_files.has_template(folder) else "no"),
        "Licence": html.text(_licence(store, shape, folder)),
    }


def _files(folder: Path) -> Html:
    """Return where the model is stored, and the digest of its files, folded."""
    rows = {
        "Folder": html.text(folder),
        "Digest": html.text(model_files.digest(folder)),
    }
    return html.details(html.text("Files"), html.pairs(rows))


def _licence(store: Store, shape: ModelShape, folder: Path) -> str:
    if licence := shape.licence or gguf_file.source(folder).get("licence"):
        return str(licence)
    if licence := model_actions.licence_on_hub(store, folder):
        return f"{licence} (as the hub stated it)"
    return "not stated in its folder"


def _count(n: int) -> str:
    for unit, size in (("billion", 10**9), ("million", 10**6)):
        if n >= size:
            return f"{n / size:.2f} {unit}"
    return f"{n:,}"


def _fit(store: Store, model: ModelSettings) -> Html:
    """Return what the model needs against what is free, and what would fit instead."""
    study, sizes = StudySettings(), store.library.document_sizes()
    n_passages = sum(document.n_passages for document in sizes)
    n_studied = n_passages or study.passages_per_step  # no text yet: a full step
    fit = memory_needs.of_study(store, model, study, n_studied)
    card, free, peak = hardware.gpu(), fit.free, fit.need
    estimator = memory_needs.estimator_of(model, free)
    need = estimator.loading()
    place = f"on {card.name}" if card else "in main memory"
    how = "in 4 bit" if model.quantization == "nf4" else "in 16 or 32 bit"
    sentence = (
        f"Takes about {html.size(need.total)} {how} once it is loaded, and about "
        f"{html.size(peak.total)} at the peak of a study of all texts (estimates); "
        f"{html.size(free)} are free {place}. Study and Train show the estimates of "
        "what is chosen there."
    )
    if estimator.unpacks:
        sentence += (
            " A model this small is kept unpacked in memory; its values are the same."
        )
    if too_big(need.total, free):
        badge = html.badge("does not fit", "wrong")
        sentence += f" {_smaller(estimator, free)}"
    else:
        badge = html.badge("fits", "approved")
    return html.tag("p", badge + html.text(sentence)) + html.pairs(memory.parts(need))


def _smaller(estimator: MemoryEstimator, free: int) -> str:
    """Return what would fit instead of a model that is too big."""
    four_bit = estimator.least.loading()
    if estimator.quantization == "none" and not too_big(four_bit.total, free):
        return f"In 4 bit it needs {html.size(four_bit.total)} and fits."
    room = USABLE_SHARE * free - four_bit.libraries
    most = (
        room / max(1, four_bit.weights + four_bit.scales) * estimator.shape.parameters
    )
    if most <= 0:
        return "Close other programs first: no model fits into the free memory."
    return f"About {_count(int(most))} parameters in 4 bit would fit."


def memory_in_use(store: Store) -> int | None:
    """Return the memory of the worker, in bytes; None if there is none."""
    return hardware.worker_memory(store.folder / queues.MODEL_QUEUE.pid_file)


def worker(store: Store) -> Html:
    """Return whether a model is in memory, which the one in use need not be."""
    n_bytes = memory_in_use(store)
    if n_bytes is not None:
        sentence = (
            f"The worker process uses {html.size(n_bytes)} of memory. A model that a "
            "run has loaded stays in it for the next run."
        )
        return html.tag("p", html.text(sentence), "al-faint")
    if is_server(chosen_model(store).model):
        return html.note("The model in use is on a server; none is in memory here.")
    return html.note("The model in use is not in memory; the next run loads it.")


def chosen(model: ModelSettings) -> Html:
    """Return that this model is used from now on."""
    if is_server(model.model):
        return _status(f"Now in use: {model.model}.")
    how = "in 4 bit" if model.quantization == "nf4" else "in 16 or 32 bit"
    weights = labels.adapter(model.round_id)
    return _status(
        f"Now in use: {model.model}, {how}, {weights}. A run loads it into memory."
    )


def being_converted(model: ModelSettings) -> Html:
    """Return that a GGUF file is converted first."""
    return _status(
        f"{model.model} is being converted. It is used when the conversion is done, "
        "unless you choose another model before."
    )


def freed(*, was_alive: bool) -> Html:
    """Return that the worker has ended, or that there was none."""
    if not was_alive:
        return html.note("No model was in memory, so there was nothing to unload.")
    return _status("No model is in memory now. The same model stays in use.")


def _status(sentence: str) -> Html:
    return html.tag("p", html.text(sentence), "al-good", role="status")


def checks(results: Sequence[Finding]) -> Html:
    """Return the findings on this computer."""
    rows = [
        (
            html.badge("OK", "approved")
            if check.ok
            else html.badge("Problem", "wrong"),
            html.text(check.what),
            html.text(check.result),
        )
        for check in results
    ]
    return html.table(("", "Check", "Result"), rows, "Check of this computer")


def report(results: Sequence[Finding]) -> str:
    """Return the same as plain text, to be copied."""
    return "\n".join(
        f"{'OK' if check.ok else 'Problem':7}  {check.what}: {check.result}"
        for check in results
    )

"""Where models come from: what the hub offers, a download, and what is here already."""

from pathlib import Path

from autolearn.core.records import END_STATES, Run
from autolearn.core.run_results import DownloadResult
from autolearn.core.run_settings import DownloadRunSettings
from autolearn.models.sources import gguf_file
from autolearn.models.sources.gguf_file import Header
from autolearn.models.sources.hub import Offer
from autolearn.models.sources.local import LocalModel
from autolearn.services import model_actions
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.views import labels

STOP, RESUME = "stop", "resume"
"""The actions of the buttons below the last download."""
PLACES = {
    "built-in": "comes with autolearn",
    "converted": "converted from GGUF",
    "hub cache": "hub cache",
    "folder": "folder used here",
}
HIGH_LOSS = 0.1
"""Nats a token from which on the second rounding of a GGUF file is worth avoiding."""


def offer(model: Offer) -> Html:
    """Return the offer of the hub, and the files that would be fetched."""
    badge = html.badge("fits", "approved") if model.fits else html.badge("does not fit")
    head = html.tag("h3", html.text(model.name)) + badge
    missing = html.size(model.bytes_missing)
    if not model.bytes_missing:
        missing = "nothing; it is already on this computer"
    elif model.bytes_missing < model.n_bytes:
        missing += "; the rest is already here"
    licence = model.licence or "not stated; see its page"
    facts = {
        "Licence": html.text(licence),
        "Size": html.text(html.size(model.n_bytes)),
        "To download": html.text(missing),
        "Free on the disk": html.text(html.size(model.bytes_free)),
        "Saved in": html.text(model.cache),
        "Source": html.text(model.endpoint),
    }
    if model.gated:
        facts["Access"] = html.text("gated; you have accepted its conditions")
    what = "fetch it" if model.bytes_missing else "check its files; none is fetched"
    room = html.note(f"Press “Download” to {what}.")
    if not model.fits:
        room = html.problem(model.no_room())
    return html.card(head, html.pairs(facts) + _files(model) + room)


def _files(model: Offer) -> Html:
    rows = [
        (
            html.text(part.name),
            html.tag("span", html.text(html.size(part.n_bytes)), "al-number"),
        )
        for part in sorted(model.parts, key=lambda part: -part.n_bytes)
    ]
    title = html.text(html.count(len(rows), "file"))
    return html.details(title, html.table(("File", "Size"), rows, "Files"))


def downloaded(store: Store) -> Html:
    """Return that the last download is done, and a button that uses the model."""
    run = store.runs.last("download")
    if run is None or run.state != "done":
        return Html("")
    name = DownloadRunSettings.of(run).name
    place = DownloadResult.of(run).path
    key = place if model_actions.is_gguf(place) else name
    if not Path(place).exists() or model_actions.is_chosen(store, key):
        return Html("")
    text = html.tag("p", html.text(f"{name} is on this computer."), "al-good")
    use = html.pick(html.text("Use it"), key)
    return html.tag("div", text + use, "al-box", role="status")


def download(store: Store) -> Html:
    """Return the progress of the last download until it is done, with its actions."""
    run = store.runs.last("download")
    if run is None or run.state == "done":
        return Html("")
    name = DownloadRunSettings.of(run).name
    head = html.tag("strong", html.text(name)) + labels.state(run.state)
    parts = [html.tag("div", head, "al-spread")]
    if run.state in END_STATES:
        parts += [html.problem(run.error)] if run.error else []
        parts += [
            _progress_text(run),
            html.pick(html.text("Resume"), f"{RESUME} {run.id}"),
        ]
    else:
        parts += [_pace(run), html.pick(html.text("Cancel"), f"{STOP} {run.id}")]
    return html.tag("div", html.join(parts), "al-box")


def _pace(run: Run) -> Html:
    if not run.total:
        return html.note("Queued." if not run.stage else "Contacting the hub.")
    text = f"{run.stage}: {labels.progress(run)}"
    pace = "stopping" if run.cancel_requested else "estimating the time left"
    if not run.cancel_requested and (end := labels.stage_end(run)):
        pace = end
    elif run.eta_seconds is not None and not run.cancel_requested:
        remaining = html.time_left(run.eta_seconds)
        pace = f"{run.rate / 1024:.1f} MiB/s, time left: {remaining}"
    title = f"Download of {DownloadRunSettings.of(run).name}"
    return (
        html.tag("div", html.text(text))
        + html.bar(run.done, run.total, title)
        + html.tag("div", html.text(pace), "al-faint")
    )


def _progress_text(run: Run) -> Html:
    if not run.total:
        return Html("")
    text = f"{labels.progress(run)} downloaded; they are kept."
    return html.tag("p", html.text(text), "al-faint")


def local(local_models: list[LocalModel]) -> Html:
    """Return the models on this computer; a click on a model names it above."""
    usable = [model for model in local_models if not model.problem]
    others = [model for model in local_models if model.problem]
    table = html.table(
        ("Model", "Size", "Source"),
        [
            (
                html.pick(
                    html.text(_short(model)), model.name, "al-link", title=model.name
                ),
                html.tag("span", html.text(html.size(model.n_bytes)), "al-number"),
                html.text(PLACES[model.place]),
            )
            for model in usable
        ],
        "Models on this computer",
    )
    if not others:
        return table
    rows = html.join(
        html.tag(
            "li",
            html.pick(html.text(_short(model)), model.name, "al-link")
            + html.tag("div", html.text(model.problem or ""), "al-faint"),
        )
        for model in others
    )
    title = html.text(f"{len(others)} that cannot be used yet")
    return table + html.details(title, html.tag("ul", rows))


def _short(model: LocalModel) -> str:
    """Return a name without the folders that lead to it."""
    is_path = model.place in ("converted", "folder") or model_actions.is_gguf(
        model.name
    )
    return model.name.rsplit("/", 1)[-1] if is_path else model.name


def gguf(name: str) -> Html:
    """Return a description of a GGUF file that has not been converted yet.

    Raises:
        BackendError: It is none, or holds no model that could be converted.
    """
    file = gguf_file.locate(name)
    header = gguf_file.read(file)
    gguf_file.check(file, header)
    head = html.tag("h3", html.text(file.name)) + html.badge("to be converted")
    text = (
        "A GGUF file must be converted before it can be trained. “Use this model” "
        "converts it once: its weights are dequantised and written into the workspace, "
        "which takes a minute or more. In 4 bit they are quantised a second time; the "
        "effect of that is measured."
    )
    body = html.pairs(_header(header)) + html.tag("p", html.text(text))
    return html.card(head, body, "al-model")


def _header(header: Header) -> dict[str, Html]:
    return {
        "Architecture": html.text(header.architecture),
        "Parameters": html.text(f"{header.parameters / 10**6:,.0f} million"),
        "Quantised as": html.text(", ".join(header.kinds)),
        "Licence": html.text(header.licence or "not stated in the file"),
        "Size after conversion": html.text(html.size(2 * header.parameters)),
    }


def rounding(source: dict[str, object]) -> Html:
    """Return what the second rounding of converted weights changes."""
    values: dict[str, float] = source["rounding"]  # type: ignore[assignment]
    text = (
        f"Converted from {source['file']}. In 4 bit its weights are quantised a second "
        f"time. The most likely token stays the same at {values['same']:.0%} of "
        f"{values['n_tokens']:.0f} positions; the mean KL divergence is "
        f"{values['kl']:.2f} nats per token (0: no difference)."
    )
    if values["kl"] >= HIGH_LOSS:
        text += " This is a large difference; use 16 or 32 bit if the model fits."
    return html.tag("p", html.text(text))

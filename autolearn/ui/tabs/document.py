"""Clicks on parts of a document: turn pages, exclude, include, read again."""

from dataclasses import replace
from typing import cast, get_args

from autolearn.core.errors import InputError
from autolearn.core.reading import ColumnUse, ReadingChoices
from autolearn.services import reading_actions
from autolearn.store import Store
from autolearn.ui.session import Session
from autolearn.ui.views import document as views
from autolearn.ui.views.document import LibraryViewState

SELECTION_JS = """
let chosen = [];
const length = (range) => [...range.toString()].length;
document.addEventListener('selectionchange', () => {
  const selection = document.getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  if (!element.contains(range.commonAncestorContainer)) return;
  chosen = [];
  for (const text of element.querySelectorAll('[data-passage]')) {
    if (!range.intersectsNode(text)) continue;
    const part = document.createRange();
    part.selectNodeContents(text);
    const before = part.cloneRange();
    if (text.contains(range.startContainer)) {
      part.setStart(range.startContainer, range.startOffset);
      before.setEnd(range.startContainer, range.startOffset);
    } else before.collapse(true);
    if (text.contains(range.endContainer))
      part.setEnd(range.endContainer, range.endOffset);
    const start = length(before), end = start + length(part);
    if (end > start) chosen.push([Number(text.dataset.passage), start, end]);
  }
});
element.addEventListener('click', (event) => {
  if (!event.target.closest('[data-cut]')) return;
  trigger('click', {pick: 'cut-' + JSON.stringify(chosen)});
  chosen = [];
});
element.addEventListener('click', (event) => {
  const rename = event.target.closest('[data-rename]')?.dataset;
  const name = rename && prompt('New name', rename.rename);
  if (name) trigger('click', {pick: rename.key + name});
});
"""
"""Tells which characters of which passages are selected when they are to be left out.
Asks for the new name of a document.

Characters are counted as code points, as Python counts them."""

CONFIRM_JS = """
element.addEventListener('click', (event) => {
  const remove = event.target.closest('[data-remove]')?.dataset;
  if (remove && confirm(remove.remove)) trigger('click', {pick: remove.key});
});
"""
"""Asks before something is removed."""


def press_document(
    session: Session, state: LibraryViewState, key: str
) -> LibraryViewState:
    """Do what a click on a part of a document asks for; return what to show then."""
    store = session.store
    if key.startswith(views.PAGE):
        return replace(state, first=int(key.removeprefix(views.PAGE)))
    if key.startswith(views.REMOVE):
        document_id, _ = _document_in(key)
        reading_actions.remove(store, document_id)
        return LibraryViewState()
    if key.startswith(views.RENAME):
        reading_actions.rename(store, *_document_in(key))
        return state
    if key == views.BESIDE:
        return replace(state, is_beside=not state.is_beside)
    if key.startswith(views.COLUMN):
        return _with_column(store, state, key)
    if key.startswith(views.TAKE):
        reading_actions.take_in(store, int(key.removeprefix(views.TAKE)))
    elif key.startswith(views.CUT):
        _leave_out(store, key)
    elif key.startswith((views.ENCODING, views.READ_COLUMNS)):
        _read_again(session, state, key)
        return replace(state, columns=(), first=0)
    else:
        _, number = key.split("-")
        _set_excluded(store, int(number), excluded=key.startswith(views.EXCLUDE))
    return state


def _document_in(key: str) -> tuple[int, str]:
    """Return the document that a key names, and the value that follows."""
    _, number, *value = key.split("-", 2)
    return int(number), "".join(value)


def _with_column(store: Store, state: LibraryViewState, key: str) -> LibraryViewState:
    """Return the state with another use of one column."""
    document_id, choice = _document_in(key)
    number, _, use = choice.partition("-")
    document = store.library.document(document_id)
    columns = list(state.columns or document.reading.columns)
    if use not in get_args(ColumnUse) or int(number) >= len(columns):
        raise InputError("These columns have changed; choose again.")
    columns[int(number)] = replace(columns[int(number)], use=cast(ColumnUse, use))
    return replace(state, document_id=document_id, columns=tuple(columns))


def _read_again(session: Session, state: LibraryViewState, key: str) -> None:
    store = session.store
    document_id, encoding = _document_in(key)
    choices: ReadingChoices = store.library.document(document_id).reading.choices
    if key.startswith(views.READ_COLUMNS):
        columns = tuple(replace(column, examples=()) for column in state.columns)
        choices = replace(choices, columns=columns)
    else:
        choices = replace(choices, encoding=encoding)
    session.start_worker_for(reading_actions.reread(store, document_id, choices))


def _leave_out(store: Store, key: str) -> None:
    stretches = views.stretches(key)
    if not stretches:
        raise InputError("Select text in the passages first.")
    reading_actions.leave_out(store, stretches)


def _set_excluded(store: Store, passage_id: int, *, excluded: bool) -> None:
    """Exclude a passage from studies, or include it again."""
    if passage_id not in store.library.passages_by_id([passage_id]):
        raise InputError(
            "This passage has changed since the page was drawn; open it again."
        )
    store.library.set_excluded([passage_id], excluded=excluded)

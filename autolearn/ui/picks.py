"""What a person has pressed, focused or unfolded in a panel that is drawn anew.

Gradio (6.31) keeps the elements of an HTML component and changes their attributes and
texts. A button can become that of another row while it is pressed or focused, and what
was unfolded is folded again, twice a second during a run.
"""

PICK_JS = """
const key = ({ target }) => {
  const part = target.closest('[data-pick]');
  return part && element.contains(part) ? part.dataset.pick : '';
};
let pressed = '', focused = '';
element.addEventListener('pointerdown', (event) => { pressed = key(event); });
element.addEventListener('focusin', (event) => { focused = key(event); });
element.addEventListener('click', (event) => {
  const now = key(event);
  if (now) trigger('click', {pick: (event.detail && pressed) || now});
  pressed = '';
});
watch('value', () => {
  const now = document.activeElement;
  if (!focused || !element.contains(now) || now.dataset.pick === focused) return;
  const parts = [...element.querySelectorAll('[data-pick]')];
  parts.find((part) => part.dataset.pick === focused)?.focus({preventScroll: true});
});

const turned = new Map();
const folds = () => {
  const counts = new Map();
  return [...element.querySelectorAll('details')].reverse().map((fold) => {
    const title = (fold.querySelector('summary')?.textContent ?? '').split(/\\d/)[0];
    const n = counts.get(title) ?? 0;
    counts.set(title, n + 1);
    return [fold, `${n} ${title}`];
  });
};
element.addEventListener('click', ({ target }) => {
  const pressedFold = target.closest('summary')?.parentElement;
  for (const [fold, name] of folds())
    if (fold === pressedFold) turned.set(name, !fold.open);
});
watch('value', () => {
  if (turned.size) for (const [fold, name] of folds())
    if (turned.has(name)) fold.open = turned.get(name);
});
"""
"""Lets a click on a part tell which part it was: the one that was pressed.

A click by the keyboard or by a script has no detail. Of folds, numbers in the title may
change, and new ones of the same title come first.
"""

"""Scripts of elements and events; see also ``assets/autolearn.js``."""

AFTER_DRAWING_JS = """(value) => new Promise((resolve) => {
  const done = () => resolve(value);
  requestAnimationFrame(() => setTimeout(done));
  setTimeout(done, 100);
})"""
"""Returns its value once the browser has drawn, or soon if it does not draw.

Starting an event takes Gradio 6.31 about 10 ms in the browser, since it first notifies
all inputs of all events so far that one is pending.
"""

NOTICE_JS = """
element.setAttribute('aria-live', 'assertive');
let going;
const go = () => { element.hidden = true; };
watch('value', () => {
  element.hidden = false;
  clearTimeout(going);
  going = setTimeout(go, 12000);
});
element.addEventListener('click', go);
"""
"""Hides a notice after 12 seconds, or when it is clicked. Gradio's own notices (6.31)
all disappear when the time of the first is over, so the newest may go before it was
read. Screen readers read what comes into an element that was live before.
"""

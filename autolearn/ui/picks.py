"""Tells which part of a panel was clicked."""

PICK_JS = """
element.addEventListener('click', (event) => {
  const picked = event.target.closest('[data-pick]');
  if (picked && element.contains(picked)) trigger('click', {pick: picked.dataset.pick});
});
"""
"""Lets a click on a part of an HTML component tell which part it was."""

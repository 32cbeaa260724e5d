() => {
  // A window that comes back to the front looks at what has happened meanwhile.
  const look = () => { if (!document.hidden) document.querySelector('#look')?.click(); };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('focus', look);

  // The keys of the review: each clicks its button, while that can be seen.
  const keys = {
    a: 'approve', e: 'edit', r: 'reject', s: 'skip', j: 'next', k: 'previous', u: 'undo',
  };
  const seen = (selector) => {
    const found = document.querySelector(selector);
    return found?.offsetParent ? found : null;
  };
  const typing = (target) => target.closest?.(
    'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])');
  const edited = (event) => {
    const save = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
    if (!save && event.key !== 'Escape') return;
    event.preventDefault();
    seen(save ? '#review-save' : '#review-cancel')?.click();
  };
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || !seen('#review-approve')) return;
    if (event.target.closest?.('#review-panel')) edited(event);
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.repeat || !document.querySelector('#review-keys input')?.checked) return;
    if (event.key === '?') document.querySelector('#review-help')?.togglePopover();
    const name = keys[event.key.toLowerCase()];
    if (name) seen(`#review-${name}`)?.click();
  });
}

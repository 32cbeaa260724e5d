() => {
  // A window that comes back to the front looks at what has happened meanwhile.
  const look = () => { if (!document.hidden) document.querySelector('#look')?.click(); };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('focus', look);

  // On a narrow window the sidebar leaves its place to the tabs.
  if (window.innerWidth < 1000) setTimeout(
    () => document.querySelector('.sidebar.open .toggle-button')?.click(), 200);

  // Back and Forward go from tab to tab. Only what a person opens is a step: the page
  // itself opens the tab that the address names. Until then, its first tab, which is
  // opened before, leaves the address alone. Gradio tells late that a tab was opened,
  // so the address names the one that is open now.
  let clicked = false;
  let named = decodeURIComponent(location.hash);
  document.addEventListener('click', (event) => { clicked ||= event.isTrusted; }, true);
  window.alOpened = () => {
    const open = document.querySelector('[role=tab][aria-selected=true]');
    const address = `#${open?.dataset.tabId ?? ''}`;
    if (clicked || address === named) named = '';
    if (!named && location.hash !== address)
      history[clicked ? 'pushState' : 'replaceState'](null, '', address);
    clicked = false;
    return open?.dataset.tabId;
  };
  window.addEventListener('popstate', () => {
    clicked = false;
    named = '';
    const name = decodeURIComponent(location.hash.slice(1));
    const tabs = [...document.querySelectorAll('[role=tab]')];
    (tabs.find((tab) => tab.dataset.tabId === name) ?? tabs[0])?.click();
  });

  // A link may lead to a part of a tab. Its place is known once the tab is drawn.
  document.addEventListener('click', (event) => {
    const id = event.target.closest?.('[data-part]')?.dataset.part;
    const scroll = (tries) => {
      const part = seen(`#${id}`);
      if (part?.textContent.trim()) part.scrollIntoView();
      else if (tries) setTimeout(scroll, 50, tries - 1);
    };
    if (id) scroll(100);
  });

  // The keys of the review: each clicks its button, while that can be seen.
  const keys = {
    a: 'approve', o: 'open-book', e: 'edit', r: 'reject', s: 'skip', j: 'next',
    k: 'previous', u: 'undo', n: 'add',
  };
  const seen = (selector) => [...document.querySelectorAll(selector)].find(
    (element) => element.getClientRects().length > 0);
  const typing = (target) => target.closest?.(
    'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])');
  // A drawer begins below the bar of tabs, so that another tab can be opened.
  const place = () => {
    const bottom = seen('[role=tablist]')?.getBoundingClientRect().bottom ?? 0;
    document.documentElement.style.setProperty('--al-top', `${Math.max(0, bottom)}px`);
  };
  window.addEventListener('scroll', place, {passive: true});
  new ResizeObserver(place).observe(document.body);

  const edited = (event) => {
    const save = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
    if (!save && event.key !== 'Escape') return;
    event.preventDefault();
    const panel = event.target.closest('#review-own') ? '#review-own-' : '#review-';
    seen(panel + (save ? 'save' : 'cancel'))?.click();
  };
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.('[data-pick=close-drawer]')) return;
    document.body.classList.add('al-drawer-closed');
    window.alOpener?.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'Escape') seen('.al-drawer')
      ?.querySelector('[data-pick=close-drawer]').click();
    if (!seen('#review-approve')) return;
    if (event.target.closest?.('#review-panel, #review-own')) edited(event);
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.repeat || !document.querySelector('#review-keys input')?.checked) return;
    if (event.key === '?') document.querySelector('#review-help')?.togglePopover();
    const name = keys[event.key.toLowerCase()];
    if (name) seen(`#review-${name}`)?.click();
  });
}

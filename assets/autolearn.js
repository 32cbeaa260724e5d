() => {
  // A window that comes back to the front looks at what has happened meanwhile.
  const look = () => { if (!document.hidden) document.querySelector('#look')?.click(); };
  document.addEventListener('visibilitychange', look);
}

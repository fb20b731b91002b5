// @ts-check
// A classic script, before the first paint: the page never flashes in the wrong theme.
(() => {
  const chosen = localStorage.getItem('ringdesk.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();

// @ts-check
import { signal } from '@preact/signals';

/** Where we are: "#/calls/sw1-17.3?outcome=answered" is page "calls", id "sw1-17.3", the query. */
export const route = signal(parse(location.hash));
addEventListener('hashchange', () => (route.value = parse(location.hash)));

/** @param {string} hash @returns {{page: string, id: string, query: Record<string, string>}} */
export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [page = '', id = ''] = path.split('/').map(decode);
  return { page, id, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {string} page @param {string} [id] @param {Record<string, string>} [query] */
export function address(page, id = '', query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value);
  const tail = kept.length ? `?${new URLSearchParams(kept)}` : '';
  return `#/${page}${id ? `/${encodeURIComponent(id)}` : ''}${tail}`;
}

/** @param {string} page @param {string} [id] @param {Record<string, string>} [query] @param {{replace?: boolean}} [how] */
export function go(page, id, query, { replace = false } = {}) {
  const hash = address(page, id, query);
  if (!replace) location.hash = hash;
  else {
    history.replaceState(null, '', hash);
    route.value = parse(hash);
  }
}

// @ts-check
import { signal } from '@preact/signals';

/** Where we are: "#/calls/sw1-17.3/ladder?x=y" is page "calls", id "sw1-17.3", part "ladder", the query. */
export const route = signal(parse(location.hash));
addEventListener('hashchange', () => (route.value = parse(location.hash)));

/** @param {string} hash @returns {{page: string, id: string, part: string, query: Record<string, string>}} */
export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [page = '', id = '', part = ''] = path.split('/').map(decode);
  return { page, id, part, query: Object.fromEntries(new URLSearchParams(query)) };
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

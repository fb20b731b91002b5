// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, get } from './api.js';

/**
 * What the server answers to `path` (null: ask nothing). While it asks again for the same path the
 * old answer stays; `again` is anything whose change means "ask again".
 * @template T
 * @param {string | null} path @param {unknown[]} [again]
 * @returns {{data: T | null, error: ApiError | null, reload: () => void}}
 */
export function useLoad(path, again = []) {
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState(/** @type {{path: string | null, data: T | null, error: ApiError | null}} */ ({ path: null, data: null, error: null }));
  useEffect(() => {
    if (!path) return;
    const stop = new AbortController();
    get(path, stop.signal).then(
      (data) => setState({ path, data, error: null }),
      (error) => stop.signal.aborted || setState((old) => ({ path, data: old.path === path ? old.data : null, error })),
    );
    return () => stop.abort();
  }, [path, turn, ...again]);
  const mine = state.path === path;
  return { data: mine ? state.data : null, error: mine ? state.error : null, reload: () => setTurn((n) => n + 1) };
}

/**
 * A list that goes on: `path(before)` gives one page; `more` asks for the next one.
 * @template T
 * @param {((before: string | null) => string) | null} path @param {string} key what the list is about
 * @param {string} field the list's name in the answer @param {unknown[]} [again]
 */
export function usePages(path, key, field, again = []) {
  const [state, setState] = useState({ key: '', rows: /** @type {T[]} */ ([]), next: /** @type {string | null} */ (null), error: /** @type {ApiError | null} */ (null), done: false });
  const [turn, setTurn] = useState(0);
  const asking = useRef(false);
  useEffect(() => {
    if (!path) return;
    const stop = new AbortController();
    get(path(null), stop.signal).then(
      (page) => setState({ key, rows: page[field], next: page.next ?? null, error: null, done: true }),
      (error) => stop.signal.aborted || setState((old) => ({ ...old, key, rows: old.key === key ? old.rows : [], error, done: true })),
    );
    return () => stop.abort();
  }, [key, turn, ...again]);

  async function more() {
    if (!path || asking.current || state.key !== key || state.next === null) return;
    asking.current = true;
    try {
      const page = await get(path(state.next));
      setState((old) => (old.key === key ? { ...old, rows: [...old.rows, ...page[field]], next: page.next ?? null } : old));
    } catch (error) {
      if (error instanceof ApiError) setState((old) => ({ ...old, next: null, error }));
    } finally {
      asking.current = false;
    }
  }
  const mine = state.key === key;
  return { rows: mine ? state.rows : [], error: mine ? state.error : null, ready: mine && state.done, next: mine ? state.next : null, more, reload: () => setTurn((n) => n + 1) };
}

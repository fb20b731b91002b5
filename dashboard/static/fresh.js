// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from './api.js';

/** @import { CallRow } from './types/wire.d.ts' */

/** Milliseconds: the pauses grow from the first to the longest, and asking ends after the patience. */
const FIRST = 1_500;
const LONGEST = 15_000;
const PATIENCE = 3_600_000;

/** What a call of the history still waits for; '' when nothing of it will change by itself. @param {CallRow} row */
export function awaited(row) {
  if (!row.outcome) return 'end';
  if (row.recordings?.some((one) => ['recording', 'checking'].includes(one.state))) return 'recording';
  return row.recordings?.some((one) => one.state === 'stored' && one.transcript === 'pending') ? 'transcript' : '';
}

/**
 * Ask again with growing pauses as long as something is awaited; nobody asks for a page out of sight.
 * @param {string} what '' when nothing is awaited; a change begins anew with short pauses
 * @param {() => void} ask
 */
export function useWatch(what, ask) {
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (!what) return;
    const end = performance.now() + PATIENCE;
    let [pause, timer] = [FIRST, 0];
    const wait = () => (timer = setTimeout(turn, pause));
    const turn = () => {
      if (!document.hidden) latest.current?.();
      pause = Math.min(LONGEST, pause * 1.4);
      if (performance.now() < end) wait();
    };
    wait();
    return () => clearTimeout(timer);
  }, [what]);
}

/** A call of a list, kept fresh until it is over and its recording and transcript are there. @param {CallRow} row @returns {CallRow} */
export function useFresh(row) {
  const [newer, setNewer] = useState({ of: row, row });
  const shown = newer.of === row ? newer.row : row;
  useWatch(awaited(shown), () => {
    get(`/calls/${encodeURIComponent(row.call_id)}`).then(({ call }) => setNewer({ of: row, row: call }), () => {});
  });
  return shown;
}

// @ts-check
import { useLayoutEffect, useRef } from 'preact/hooks';

const LENGTH = 320;
const calm = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * Move the children of a list from where they stood to where they stand now (FLIP: first, last,
 * invert, play). `order` is the list's keys; nothing is measured while it stays the same.
 * Children carry `data-key`.
 * @param {string} order
 */
export function useFlip(order) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const before = useRef(/** @type {Map<string, number>} */ (new Map()));
  useLayoutEffect(() => {
    const children = /** @type {HTMLElement[]} */ ([...(list.current?.children ?? [])]);
    const places = new Map(children.map((child) => [child.dataset.key ?? '', child.offsetTop]));
    const old = before.current ?? new Map();
    before.current = places;
    if (calm.matches) return;
    for (const child of children) {
      const key = child.dataset.key ?? '';
      const from = old.get(key);
      const by = from === undefined ? 0 : from - (places.get(key) ?? 0);
      if (by) child.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: LENGTH, easing: 'cubic-bezier(.2,.8,.2,1)' });
      else if (from === undefined && old.size) child.animate([{ opacity: 0 }, { opacity: 1 }], { duration: LENGTH });
    }
  }, [order]);
  return list;
}

// @ts-check
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { Skeleton } from './bits.js';

/** The end of an endless list: when it comes near the view, the next page is asked for. @param {{reached: () => void}} props */
export function Sentinel({ reached }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const latest = useRef(reached);
  latest.current = reached;
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry.isIntersecting && latest.current?.(), { rootMargin: '300px' });
    if (end.current) watch.observe(end.current);
    return () => watch.disconnect();
  });
  return html`<div ref=${end}><${Skeleton} rows=${1} /></div>`;
}

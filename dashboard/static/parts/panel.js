// @ts-check
import { useEffect, useId, useRef } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { t } from '../text.js';

/** @import { Child } from 'preact' */

/**
 * A panel at the side: it takes the focus, Escape closes it, and the focus goes back where it was.
 * @param {{title: string, close: () => void, wide?: boolean, children?: Child}} props
 */
export function Panel({ title, close, wide, children }) {
  const id = useId();
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useKeys({ Escape: close });
  useEffect(() => {
    const before = document.activeElement;
    const first = box.current?.querySelector('[autofocus]') ?? box.current;
    /** @type {HTMLElement} */ (first).focus();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return html`<section class=${`panel ${wide ? 'panel-wide' : ''}`} role="dialog" aria-labelledby=${id} tabindex="-1" ref=${box}>
    <header class="panel-head">
      <h2 id=${id}>${title}</h2>
      <button class="icon-button" onClick=${close} aria-label=${t('close')} title=${t('close')}><${Icon} name="cross" /></button>
    </header>
    <div class="panel-body">${children}</div>
  </section>`;
}

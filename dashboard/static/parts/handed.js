// @ts-check
import { html, Icon } from '../html.js';
import { t } from '../text.js';
import { clock } from '../time.js';

/** @import { LiveCall } from '../types/wire.d.ts' */

/** Who handed this call on to me, and what is written so far. @param {{call: LiveCall}} props */
export function Handed({ call }) {
  const handed = call.handed;
  if (!handed) return null;
  return html`<section class="card handed" aria-label=${t('handed.label')}>
    <p><${Icon} name="in" class="accent" /><strong>${handed.by ? t('handed.by', { name: handed.by }) : t('handed.label')}</strong> <span class="muted num">${clock(handed.at)}</span></p>
    ${call.phase === 'ringing' && handed.note && html`<p class="handed-note">${handed.note}</p>`}
  </section>`;
}

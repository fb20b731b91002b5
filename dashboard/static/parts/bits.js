// @ts-check
import { useId } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { initials, phone } from '../phone.js';
import { t, word } from '../text.js';
import { length, now } from '../time.js';

/** @import { Child } from 'preact' */
/** @import { ApiError } from '../api.js' */

/** A running time since `since` (microseconds), without layout jumps. @param {{since: number | undefined, class?: string}} props */
export function Timer({ since, class: extra = '' }) {
  return html`<span class=${`num ${extra}`}>${since ? length(now.value - since) : '–'}</span>`;
}

/** @param {{kind?: string, icon?: string, title?: string, children?: Child}} props */
export function Chip({ kind = 'plain', icon, title, children }) {
  return html`<span class=${`chip chip-${kind}`} title=${title}>${icon && html`<${Icon} name=${icon} />`}${children}</span>`;
}

const TIERS = /** @type {Record<string, [string, string]>} */ ({
  vip: ['gold', 'star'], gold: ['gold', 'star'], platinum: ['gold', 'star'],
  silver: ['plain', 'star'],
});

/** The usual tier: no badge, so that the others stand out. */
const USUAL = 'standard';

/** The customer's tier: a colour, a shape and the word. @param {{tier?: string}} props */
export function Tier({ tier }) {
  if (!tier || tier.toLowerCase() === USUAL) return null;
  const [kind, icon] = TIERS[tier.toLowerCase()] ?? ['plain', ''];
  return html`<${Chip} kind=${kind} icon=${icon || undefined}>${word('tier', tier.toLowerCase())}<//>`;
}

const OUTCOMES = /** @type {Record<string, [string, string]>} */ ({
  answered: ['good', 'disc'], abandoned: ['warn', 'triangle'], no_answer: ['warn', 'triangle'],
  busy: ['plain', 'half'], failed: ['bad', 'diamond'], '': ['accent', 'dotted'],
});

/** @param {string | undefined} outcome @returns {[string, string]} colour and shape */
export const outcomeMark = (outcome) => OUTCOMES[outcome ?? ''] ?? ['plain', 'disc'];

/** @param {{outcome?: string}} props */
export function Outcome({ outcome }) {
  const [kind, icon] = outcomeMark(outcome);
  return html`<${Chip} kind=${kind} icon=${icon}>${outcome ? word('outcome', outcome) : t('outcome.running')}<//>`;
}

/** Something happened while Ringdesk was not listening; `small` leaves only the sign to the eye. @param {{small?: boolean}} props */
export function Reconstructed({ small }) {
  return html`<${Chip} icon="dotted" title=${t('reconstructed.why')}><span class=${small ? 'visually-hidden' : ''}>${t('reconstructed.label')}</span><//>`;
}

/** @param {{name?: string, match?: string}} props */
export function Avatar({ name, match }) {
  const text = name ? initials(name) : match === 'anonymous' ? '–' : '?';
  return html`<span class=${`avatar ${name ? '' : 'avatar-unknown'}`} aria-hidden="true">${text}</span>`;
}

/** A phone number in readable groups. @param {{number?: string}} props */
export const Phone = ({ number }) => html`<span class="num nowrap">${phone(number)}</span>`;

/** @param {{keys: string}} props */
export const Key = ({ keys }) => html`<kbd>${keys}</kbd>`;

/** What this place shows and what brings the first row; `as` makes the title a heading. @param {{title: string, as?: string, children?: Child}} props */
export const Empty = ({ title, as: Title = 'p', children }) =>
  html`<div class="empty"><${Title} class="empty-title">${title}<//>${children && html`<p>${children}</p>`}</div>`;

/** Grey lines where rows will stand. @param {{rows?: number}} props */
export const Skeleton = ({ rows = 3 }) => html`<div class="skeleton" role="status" aria-label=${t('loading')}>
  ${Array.from({ length: rows }, () => html`<div class="skeleton-row"><i></i><i></i></div>`)}
</div>`;

/** @param {{error: ApiError, again?: () => void}} props */
export const Failure = ({ error, again }) => html`<div class="failure" role="alert">
  <${Icon} name="diamond" />
  <p><strong>${error.message}</strong> ${error.cure}</p>
  ${again && html`<button class="button" onClick=${again}>${t('try_again')}</button>`}
</div>`;

/** A labelled field. @param {{label: string, hint?: string, name: string, [rest: string]: unknown}} props */
export function Field({ label, hint, name, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} name=${name} aria-describedby=${hint ? `${id}-hint` : undefined} ...${rest} />
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

/** A labelled choice. @param {{label: string, name: string, options: [string, string][], quiet?: boolean, [rest: string]: unknown}} props */
export function Select({ label, name, options, quiet, value, ...rest }) {
  const id = useId();
  return html`<div class="field">
    <label for=${id} class=${quiet ? 'visually-hidden' : ''}>${label}</label>
    <select id=${id} name=${name} ...${rest}>
      ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
    </select>
  </div>`;
}

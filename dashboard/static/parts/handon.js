// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { useLoad } from '../load.js';
import { extension } from '../phone.js';
import { t, word } from '../text.js';
import { now } from '../time.js';
import { Failure, Skeleton } from './bits.js';

/** @typedef {{kind: string, to: string, name: string}} Target */
/** @typedef {{agent: string, name: string, availability: string, reason: string, activity: string, why_not: string}} Colleague */

/** Presence is asked for again so often. Microseconds. */
const AGAIN = 2_000_000;
const NUMBER = /^[+*]?[\d\s().*/-]{2,}$/;

/** @param {Colleague} one @returns {[string, string, string]} icon, colour, and the word for it */
function presence(one) {
  if (one.activity === 'unreachable') return ['diamond', 'bad', word('activity', one.activity)];
  if (one.activity !== 'idle') return ['half', 'warn', word('activity', one.activity)];
  if (one.availability === 'available') return ['disc', 'good', word('availability', one.availability)];
  const reason = one.availability === 'break' && one.reason ? ` · ${word('break', one.reason)}` : '';
  return ['ring', 'muted', word('availability', one.availability) + reason];
}

/** @param {{target: Target, icon: string, colour: string, what: string, why: string, busy: boolean, choose: (target: Target) => void, consult: (target: Target) => void}} props */
const Row = ({ target, icon, colour, what, why, busy, choose, consult }) => html`<li class="target-row"><button class="target" type="button" disabled=${busy || Boolean(why)} title=${why || undefined} onClick=${() => choose(target)}>
  <${Icon} name=${icon} class=${colour} /><span class="target-name">${target.name}</span><span class="num muted target-to">${target.kind === 'agent' ? extension(target.to) : ''}</span>
  <span class="muted target-what">${why || what}</span></button>
  ${target.kind === 'agent' && html`<button class="button" type="button" disabled=${busy || Boolean(why)} aria-label=${t('handon.ask_name', { name: target.name })} onClick=${() => consult(target)}>${t('handon.ask')}</button>`}</li>`;

/**
 * To whom the caller goes: colleagues with their presence, queues, or the number that is typed.
 * A colleague may be asked first.
 * @param {{busy: boolean, choose: (target: Target) => void, consult: (target: Target) => void}} props
 */
export function HandOn({ busy, choose, consult }) {
  const [text, setText] = useState('');
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const { data, error, reload } = useLoad('/transfer-targets', [Math.floor(now.value / AGAIN)]);
  useEffect(() => field.current?.focus(), []);
  const wanted = text.trim().toLowerCase();
  /** @param {string[]} words */
  const fits = (...words) => words.some((one) => one.toLowerCase().includes(wanted));
  const rows = [
    ...(NUMBER.test(wanted) ? [{ target: { kind: 'number', to: wanted, name: t('handon.number', { number: text.trim() }) }, icon: 'out', colour: 'accent', what: '', why: '' }] : []),
    .../** @type {Colleague[]} */ (data?.agents ?? []).filter((one) => fits(one.name, extension(one.agent))).map((one) => {
      const [icon, colour, what] = presence(one);
      return { target: { kind: 'agent', to: one.agent, name: one.name }, icon, colour, what, why: one.why_not };
    }),
    .../** @type {{queue: string, waiting: number, free: number}[]} */ (data?.queues ?? []).filter((one) => fits(one.queue)).map((one) => ({
      target: { kind: 'queue', to: one.queue, name: t('handon.queue', { queue: one.queue }) }, icon: 'dotted', colour: 'accent', what: t('handon.queue_is', { waiting: one.waiting, free: one.free }), why: '',
    })),
  ];
  /** @param {Event} event */
  function first(event) {
    event.preventDefault();
    const row = wanted && !busy ? rows.find((one) => !one.why) : undefined;
    if (row) choose(row.target);
  }
  return html`<form class="handon" aria-label=${t('handon.label')} onSubmit=${first}>
    <label class="search"><${Icon} name="search" /><span class="visually-hidden">${t('handon.find')}</span>
      <input type="search" ref=${field} value=${text} maxlength="60" autocomplete="off" placeholder=${t('handon.find')} onInput=${(/** @type {any} */ event) => setText(event.target.value)} /></label>
    ${error && html`<${Failure} error=${error} again=${reload} />`}
    ${!data && !error && html`<${Skeleton} rows=${3} />`}
    <ul class="targets">${rows.map((row) => html`<${Row} key=${`${row.target.kind} ${row.target.to}`} ...${row} busy=${busy} choose=${choose} consult=${consult} />`)}</ul>
    ${data && !rows.length && html`<p class="hint">${t('handon.none', { q: text.trim() })}</p>`}
    <p class="hint">${t('handon.hint')}</p>
  </form>`;
}

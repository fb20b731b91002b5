// @ts-check
import { useEffect, useState } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { request } from '../api.js';
import { useKeys } from '../keys.js';
import { extension } from '../phone.js';
import { view } from '../store.js';
import { t, word } from '../text.js';
import { length, now } from '../time.js';
import { report } from '../toasts.js';
import { Key, Timer } from './bits.js';
import { whyNot } from './linkbar.js';

/** @import { LiveMe, View } from '../types/wire.d.ts' */

export const BREAKS = ['lunch', 'coffee', 'training', 'meeting', 'other'];

/**
 * Change my state. The screen follows when the server says so, not before.
 * @param {string} availability @param {string} [reason]
 */
export const setAvailability = (availability, reason = '') => report(request('PUT', '/me/availability', { availability, reason }));

/** An activity that says more than the availability: its icon. @type {Record<string, string>} */
const BUSY = { ringing: 'dotted', dialling: 'dotted', talking: 'disc', on_hold: 'half' };
/** Icon and colour of an availability. @type {Record<string, [string, string]>} */
const RESTING = { available: ['disc', 'good'], break: ['half', 'warn'], wrap_up: ['half', 'warn'], offline: ['ring', 'muted'] };

/** @param {LiveMe} mine @returns {{name: string, icon: string, colour: string, since: number}} what I do */
function stateOf(mine) {
  const busy = BUSY[mine.activity];
  if (busy) return { name: word('activity', mine.activity), icon: busy, colour: 'accent', since: mine.activity_since };
  const reason = mine.availability === 'break' && mine.reason ? ` · ${word('break', mine.reason)}` : '';
  const [icon, colour] = RESTING[mine.availability];
  return { name: word('availability', mine.availability) + reason, icon, colour, since: mine.since };
}

/** The rest of the wrap-up as a ring and seconds. @param {{mine: LiveMe}} props */
function WrapUp({ mine }) {
  const total = (mine.until ?? 0) - mine.since;
  const left = Math.max(0, (mine.until ?? 0) - now.value);
  const share = total > 0 ? Math.min(1, left / total) : 0;
  return html`<div class="wrapup" role="timer" aria-label=${t('wrapup.label')}>
    <svg viewBox="0 0 44 44" aria-hidden="true">
      <circle class="ring-back" cx="22" cy="22" r="18" /><circle class="ring-front" cx="22" cy="22" r="18" pathLength="100" stroke-dasharray=${`${share * 100} 100`} />
    </svg>
    <p><strong class="num">${t('wrapup.left', { n: Math.ceil(left / 1e6) })}</strong><span>${t('wrapup.then')}</span></p>
  </div>`;
}

/** @param {{mine: LiveMe}} props */
function State({ mine }) {
  const { name, icon, colour, since } = stateOf(mine);
  return html`<div class="state">
    <p class="state-name"><${Icon} name=${icon} class=${colour} />${name}</p>
    <p class="state-since">${t('state.for')} <${Timer} since=${since} /></p>
    ${mine.availability === 'wrap_up' && mine.until ? html`<${WrapUp} mine=${mine} />` : null}
  </div>`;
}

/** The three buttons of my state, and the reasons of a break. @param {{mine: LiveMe}} props */
function StateButtons({ mine }) {
  const [choosing, setChoosing] = useState(false);
  const [asked, setAsked] = useState('');
  const why = whyNot() || (mine.agent ? '' : t('state.no_phone'));
  useEffect(() => setAsked(''), [mine.availability, mine.reason]);
  // A call takes the number keys: reasons that stand open must not take them first.
  useEffect(() => setChoosing(false), [mine.activity]);

  /** @param {string} availability @param {string} [reason] */
  async function choose(availability, reason) {
    if (why) return;
    setChoosing(false);
    setAsked(availability);
    await setAvailability(availability, reason);
    setAsked('');
  }
  const reasonKeys = Object.fromEntries(BREAKS.map((reason, i) => [String(i + 1), () => (choosing ? void choose('break', reason) : false)]));
  useKeys({
    F1: () => void choose('available'), F2: () => why ? undefined : setChoosing(!choosing), F4: () => void choose('offline'),
    Escape: () => (choosing ? setChoosing(false) : false), ...reasonKeys,
  });

  /** @param {string} availability @param {string} key @param {() => void} act @param {object} [more] */
  const button = (availability, key, act, more) => html`<button class="state-button" disabled=${Boolean(why)} title=${why || undefined}
    aria-pressed=${mine.availability === availability} aria-busy=${asked === availability} onClick=${act} ...${more}>
    ${t(`state.${availability}`)}<${Key} keys=${key} /></button>`;

  return html`<div class="state-buttons" role="group" aria-label=${t('state.label')}>
    ${button('available', 'F1', () => choose('available'))}
    ${button('break', 'F2', () => setChoosing(!choosing), { 'aria-expanded': choosing })}
    ${choosing && html`<div class="reasons" role="group" aria-label=${t('state.reason')}>
      ${BREAKS.map((reason, i) => html`<button class="reason" onClick=${() => choose('break', reason)}>${word('break', reason)}<${Key} keys=${i + 1} /></button>`)}
    </div>`}
    ${button('offline', 'F4', () => choose('offline'))}
    ${why && html`<p class="hint">${why}</p>`}
  </div>`;
}

/** @param {{mine: LiveMe}} props */
function MyPhone({ mine }) {
  const bad = mine.activity === 'unreachable';
  return html`<section class="rail-part">
    <h2>${t('phone.title')}</h2>
    <p class="rail-line"><${Icon} name=${bad ? 'diamond' : mine.agent ? 'disc' : 'ring'} class=${bad ? 'bad' : mine.agent ? 'good' : 'muted'} />
      ${mine.agent ? html`<span class="num">${extension(mine.agent)}</span> · ${word('activity', mine.activity)}` : t('phone.none')}</p>
    ${bad && html`<p class="hint">${t('phone.unreachable_cure')}</p>`}
  </section>`;
}

/** @param {{today: View['today']}} props */
const MyDay = ({ today }) => html`<section class="rail-part rail-day">
  <h2>${t('day.title')}</h2>
  <dl class="figures dims">
    <div><dt>${t('day.calls')}</dt><dd class="num">${today.calls}</dd></div>
    <div><dt>${t('day.talked')}</dt><dd class="num">${length(today.talked)}</dd></div>
    <div><dt>${t('day.missed')}</dt><dd class="num">${today.missed}</dd></div>
  </dl>
</section>`;

/** The left rail of the desk: my state, my phone, my day. */
export function Rail() {
  const now = /** @type {View} */ (view.value);
  return html`<aside class="rail" aria-label=${t('rail.label')}>
    <${State} mine=${now.me} />
    <${StateButtons} mine=${now.me} />
    <${MyPhone} mine=${now.me} />
    <${MyDay} today=${now.today} />
    <section class="rail-part rail-queues"><h2>${t('people.queues')}</h2>
      <p class="rail-chips">${now.me.queues.length ? now.me.queues.map((queue) => html`<span class="chip chip-plain">${queue}</span>`) : t('none')}</p></section>
    <p class="rail-foot"><${Key} keys="?" /> ${t('rail.help')}</p>
  </aside>`;
}

// @ts-check
import { html, Icon } from '../html.js';
import { queues } from '../store.js';
import { nth, t } from '../text.js';
import { length, now, spoken } from '../time.js';
import { Empty, Tier, Timer } from './bits.js';
import { before, termsAt } from './claim.js';
import { useFlip } from './flip.js';
import { Mover, Placed } from './mover.js';
import { waitingName } from './who.js';

/** @import { Term, View, Waiting } from '../types/wire.d.ts' */

/** @typedef {[string, Waiting]} Entry entry_id and the caller */
/** @typedef {{caller: Waiting, rank: number, of: number}} Spot where a call waits */

/** The callers of a queue in the order in which they will be served now. @param {View['queues'][string]} queue @returns {Entry[]} */
export function inOrder(queue) {
  const at = now.value;
  return Object.entries(queue.waiting ?? {}).sort(([a, x], [b, y]) => before(x, y, at) || (a < b ? -1 : 1));
}

/**
 * The lines of callers, each served by itself: queues of one name are one on each switch.
 * @param {View['queues']} all @param {string[]} names
 * @returns {{key: string, name: string, queue: View['queues'][string]}[]}
 */
export function lines(all, names) {
  return names.flatMap((name) => {
    const waiting = Object.entries(all[name].waiting ?? {});
    const switches = [...new Set(waiting.map(([, caller]) => caller.switch ?? ''))].sort();
    if (switches.length < 2 && !switches[0]) return [{ key: name, name, queue: all[name] }];
    return switches.map((one) => ({
      key: `${one}:${name}`, name: t('queue.on', { name, switch: one }),
      queue: { waiting: Object.fromEntries(waiting.filter(([, caller]) => caller.switch === one)) },
    }));
  });
}

/** Where a call waits now, if it does in a queue we see. @param {string | undefined} callId @returns {Spot | null} */
export function spotOf(callId) {
  for (const { queue } of lines(queues.value, Object.keys(queues.value))) {
    const entries = inOrder(queue);
    const at = entries.findIndex(([, caller]) => caller.call_id === callId);
    if (at >= 0) return { caller: entries[at][1], rank: at + 1, of: entries.length };
  }
  return null;
}

/** "VIP +120 s" @param {Term} term */
const termText = ({ label, seconds }) => (seconds ? t('term', { label, seconds: (seconds < 0 ? '−' : '+') + Math.abs(seconds) }) : label);

/** "VIP +120 s, waited 35 s: 1st of 6": why this caller stands here. @param {Waiting} caller @param {number} rank @param {number} of */
export function sentence(caller, rank, of) {
  const terms = termsAt(caller, now.value).map(termText);
  const waited = t('waited_words', { length: spoken(now.value - caller.joined_at) });
  return t('place', { why: [...terms, waited].join(', '), rank: nth(rank), of });
}

/** @param {{id: string, caller: Waiting, rank: number, of: number, mine: string}} props */
function Row({ id, caller, rank, of, mine }) {
  const terms = termsAt(caller, now.value);
  const offered = caller.offered || caller.call_id === mine;
  return html`<li class=${`caller ${offered ? 'is-offered' : ''}`} data-key=${id} title=${sentence(caller, rank, of)}>
    <span class="caller-rank num">${rank}</span>
    <span class="caller-name"><strong>${waitingName(caller)}</strong><${Tier} tier=${caller.tier} /></span>
    <${Timer} class="caller-time" since=${caller.joined_at} />
    <span class="caller-why">${offered && html`<span class="caller-rings accent"><${Icon} name="dotted" />${t('waiting.ringing')}</span>`}${terms.map((term) => html`<span class="term num">${termText(term)}</span>`)}
      <span class="num">${t('place_short', { waited: spoken(now.value - caller.joined_at), rank: nth(rank), of })}</span></span>
    <${Mover} caller=${caller} /><${Placed} caller=${caller} />
  </li>`;
}

/**
 * One queue's callers in their order, each with the reason of the place.
 * @param {{name: string, queue: View['queues'][string], title?: string, mine?: string, teach?: boolean}} props
 */
export function WaitingList({ name, queue, title = name, mine = '', teach }) {
  const entries = inOrder(queue);
  const list = useFlip(entries.map(([id]) => id).join());
  const longest = Math.min(...entries.map(([, caller]) => caller.joined_at));
  return html`<section class="card queue-list" aria-label=${t('waiting.of', { queue: name })}>
    <header class="queue-list-head"><h2 class="card-title">${title}</h2>
      <span class="muted num dims">${entries.length ? `${t('waiting.count', { n: entries.length })} · ${t('waiting.longest', { length: length(now.value - longest) })}` : ''}</span></header>
    ${entries.length
      ? html`<ol class="callers dims" ref=${list} tabindex="0" aria-label=${t('waiting.of', { queue: name })}>${entries.map(([id, caller], i) => html`<${Row} key=${id} id=${id} caller=${caller} rank=${i + 1} of=${entries.length} mine=${mine} />`)}</ol>`
      : teach ? html`<${Empty} title=${t('waiting.none')}>${t('waiting.none_hint')}<//>` : html`<p class="queue-list-none muted">${t('waiting.none')}</p>`}
  </section>`;
}

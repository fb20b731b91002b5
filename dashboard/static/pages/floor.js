// @ts-check
import { html } from '../html.js';
import { extension, phone } from '../phone.js';
import { address } from '../route.js';
import { agents, queues, view } from '../store.js';
import { t, word } from '../text.js';
import { length, now } from '../time.js';
import { Chip, Empty, Skeleton, Timer } from '../parts/bits.js';
import { Callbacks } from '../parts/callbacks.js';
import { WaitingList, lines } from '../parts/waiting.js';
import { numberName } from '../parts/who.js';

/** @import { AgentRow } from '../types/wire.d.ts' */

const BUSY = ['ringing', 'talking', 'on_hold', 'dialling'];

/** What an agent does, as one word with its colour and shape. @param {AgentRow} row @returns {[string, string, string]} */
export function doing(row) {
  if (row.activity === 'unreachable' && row.availability !== 'offline') return [t('activity.unreachable'), 'bad', 'diamond'];
  if (row.activity === 'ringing') return [t('activity.ringing'), 'accent', 'dotted'];
  if (BUSY.includes(row.activity)) return [word('activity', row.activity), 'accent', 'disc'];
  const [kind, icon] = { available: ['good', 'ring'], break: ['warn', 'half'], wrap_up: ['warn', 'half'], offline: ['plain', ''] }[row.availability];
  const name = row.availability === 'available' ? t('floor.free') : word('availability', row.availability);
  return [name, kind, icon];
}

/** Those who can be helped or can help come first. @param {AgentRow} row */
const order = (row) => (BUSY.includes(row.activity) ? 0 : { available: 1, wrap_up: 2, break: 3, offline: 4 }[row.availability]);

/** @param {{id: string, row: AgentRow}} props */
function Agent({ id, row }) {
  const [name, kind, icon] = doing(row);
  const caller = row.name_of_customer || (row.call_id ? numberName(row.number) : phone(row.number));
  return html`<tr>
    <td><strong>${row.name || id}</strong> <span class="muted num">${extension(id)}</span></td>
    <td class="nowrap"><${Chip} kind=${kind} icon=${icon || undefined}>${name}<//></td>
    <td class="num dims">${row.availability === 'offline' && !BUSY.includes(row.activity) ? '–' : html`<${Timer} since=${row.since} />`}</td>
    <td class="cell-with">${caller ? (row.call_id ? html`<a href=${address('calls', row.call_id)}>${caller}</a>` : caller) : html`<span class="muted">${row.availability === 'break' ? word('break', row.reason) : ''}</span>`}</td>
  </tr>`;
}

/** @param {{label: string, value: unknown, unit?: string, kind?: string}} props */
const Figure = ({ label, value, unit, kind }) =>
  html`<div class=${`card figure ${kind ?? ''}`}><span class="figure-label">${label}</span><p class="dims"><strong class="num">${value}</strong> ${unit}</p></div>`;

function Figures() {
  const waiting = Object.values(queues.value).flatMap((queue) => Object.values(queue.waiting ?? {}));
  const rows = Object.values(agents.value);
  const on = rows.filter((row) => row.availability !== 'offline');
  const free = on.filter((row) => row.availability === 'available' && row.activity === 'idle');
  const talking = rows.filter((row) => ['talking', 'on_hold'].includes(row.activity));
  const longest = waiting.length ? now.value - Math.min(...waiting.map((one) => one.joined_at)) : null;
  return html`<div class="figures-row">
    <${Figure} label=${t('floor.waiting')} value=${waiting.length} unit=${t('floor.callers', { n: waiting.length })} />
    <${Figure} label=${t('floor.longest')} value=${longest === null ? '–' : length(longest)} />
    <${Figure} label=${t('floor.free_agents')} value=${free.length} unit=${t('floor.of', { n: on.length })} />
    <${Figure} label=${t('floor.talking')} value=${talking.length} unit=${t('floor.of', { n: on.length })} />
  </div>`;
}

/** The floor, live: who waits and why in this order, who serves. */
export function FloorPage() {
  if (!view.value) return html`<div class="page"><div class="card"><${Skeleton} rows=${8} /></div></div>`;
  const names = Object.keys(queues.value).sort();
  const rows = Object.entries(agents.value).sort(([, a], [, b]) => order(a) - order(b) || a.name.localeCompare(b.name));
  return html`<div class="page floor">
    <h1 class="visually-hidden">${t('nav.floor')}</h1>
    <${Figures} />
    <${Callbacks} />
    <div class="floor-grid">
      <div class="floor-queues">
        ${lines(queues.value, names).map((line) => html`<${WaitingList} key=${line.key} name=${line.name} queue=${line.queue} />`)}
        ${!names.length && html`<section class="card"><${Empty} title=${t('queues.none')}>${t('queues.none_hint')}<//></section>`}
      </div>
      <section class="card table-card" aria-label=${t('floor.agents')}>
        ${rows.length
          ? html`<div class="table-scroll"><table class="table"><thead><tr>${['agent', 'state', 'for', 'with'].map((head) => html`<th scope="col">${t(`floor.${head}`)}</th>`)}</tr></thead>
            <tbody>${rows.map(([id, row]) => html`<${Agent} key=${id} id=${id} row=${row} />`)}</tbody></table></div>`
          : html`<${Empty} title=${t('floor.no_agents')}>${t('floor.no_agents_hint')}<//>`}
      </section>
    </div>
  </div>`;
}

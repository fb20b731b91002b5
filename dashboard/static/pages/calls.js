// @ts-check
import { useEffect, useRef } from 'preact/hooks';
import { withQuery } from '../api.js';
import { html, Icon } from '../html.js';
import { useFresh } from '../fresh.js';
import { useKeys } from '../keys.js';
import { usePages } from '../load.js';
import { CallPanel } from '../parts/callpanel.js';
import { Empty, Failure, Key, Outcome, Phone, Reconstructed, Select, Skeleton, Tier } from '../parts/bits.js';
import { Sentinel } from '../parts/sentinel.js';
import { rowName } from '../parts/who.js';
import { address, go, route } from '../route.js';
import { agents, queues, view } from '../store.js';
import { t, word } from '../text.js';
import { length, when } from '../time.js';

/** @import { CallRow } from '../types/wire.d.ts' */

const OUTCOMES = ['answered', 'abandoned', 'no_answer', 'busy', 'failed'];
const TYPING = 250;

/** Filters live in the address: a filtered list can be shared and comes back with Back. @param {Record<string, string>} change */
const filter = (change) => go('calls', route.value.id, { ...route.value.query, ...change }, { replace: true });

function Filters() {
  const search = useRef(/** @type {HTMLInputElement | null} */ (null));
  const timer = useRef(0);
  const { q = '', queue = '', agent = '', outcome = '' } = route.value.query;
  useKeys({ '/': () => search.current?.focus() });
  /** @param {any} event */
  const typed = (event) => {
    clearTimeout(timer.current ?? 0);
    timer.current = setTimeout(() => filter({ q: event.target.value }), TYPING);
  };
  /** @param {string} name */
  const on = (name) => (/** @type {any} */ event) => filter({ [name]: event.target.value });
  const queueNames = [...new Set([...Object.keys(queues.value), ...(view.value?.me.queues ?? [])])].sort();
  const people = Object.entries(agents.value).map(([id, row]) => /** @type {[string, string]} */ ([id, row.name || id]));
  return html`<form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <label class="search"><${Icon} name="search" /><span class="visually-hidden">${t('calls.search')}</span>
      <input type="search" ref=${search} defaultValue=${q} placeholder=${t('calls.search')} onInput=${typed} /><${Key} keys="/" /></label>
    <${Select} quiet label=${t('calls.queue')} name="queue" value=${queue} onChange=${on('queue')} options=${[['', t('calls.any_queue')], ...queueNames.map((name) => [name, name])]} />
    ${people.length > 0 && html`<${Select} quiet label=${t('calls.agent')} name="agent" value=${agent} onChange=${on('agent')} options=${[['', t('calls.any_agent')], ...people]} />`}
    <${Select} quiet label=${t('calls.outcome')} name="outcome" value=${outcome} onChange=${on('outcome')} options=${[['', t('calls.any_outcome')], ...OUTCOMES.map((one) => [one, word('outcome', one)])]} />
  </form>`;
}

/** @param {{row: CallRow, open: boolean}} props */
function Row({ row: given, open }) {
  const row = useFresh(given);
  const direction = row.direction === 'outbound' ? 'out' : 'in';
  const heard = row.recordings?.some((one) => one.state === 'stored');
  return html`<tr class=${open ? 'is-open' : ''} onClick=${(/** @type {MouseEvent} */ event) => event.target instanceof Element && !event.target.closest('a') && go('calls', row.call_id, route.value.query)}>
    <td class="num nowrap"><${Icon} name=${direction} class="muted" /><span class="visually-hidden">${word('direction', row.direction)}</span> ${when(row.arrived_at)}</td>
    <td class="cell-who"><a href=${address('calls', row.call_id, route.value.query)} aria-current=${open ? 'true' : undefined}>${rowName(row)}</a> <${Tier} tier=${row.customer?.tier} />
      ${row.customer && html`<span class="muted cell-number"><${Phone} number=${row.number} /></span>`}</td>
    <td class="cell-queue">${row.queue}</td>
    <td class="cell-agent">${row.agent_name || row.agent}</td>
    <td class="num cell-right cell-waited">${row.waited ? length(row.waited) : '–'}</td>
    <td class="num cell-right">${row.talked ? length(row.talked) : '–'}</td>
    <td class="nowrap"><${Outcome} outcome=${row.outcome} />${row.reconstructed && html` <${Reconstructed} small />`}</td>
    <td class="cell-note">${row.result ? word('result', row.result) : ''}${row.result && row.note ? ' · ' : ''}${row.note}</td>
    <td class="cell-rec">${heard && html`<${Icon} name="play" class="accent" /><span class="visually-hidden">${t('calls.recorded')}</span>`}</td>
  </tr>`;
}

const HEADS = ['when', 'who', 'queue', 'agent', 'waited', 'talked', 'outcome', 'note'];

/** The history: every call once, newest first, with filters; a call opens beside the list. */
export function CallsPage() {
  const { id, query } = route.value;
  const { q, queue, agent, outcome } = query;
  const wanted = { q, queue, agent, outcome };
  // Asked again when one of my calls ended; the list is never moved under the reader by others'.
  const again = view.value?.call?.phase === 'ended' ? view.value.call.call_id : '';
  const calls = /** @type {ReturnType<typeof usePages<CallRow>>} */ (usePages((before) => withQuery('/calls', { ...wanted, before, limit: 50 }), JSON.stringify(wanted), 'calls', [again]));
  const filtered = Object.values(wanted).some(Boolean);
  useEffect(() => { document.querySelector('tr.is-open')?.scrollIntoView({ block: 'nearest' }); }, [id]);
  return html`<div class=${`page ${id ? 'has-panel' : ''}`}>
    <div class="page-head"><h1>${t('nav.calls')}</h1><${Filters} /></div>
    <div class="calls-layout">
      <section class="card table-card">
        ${calls.error && html`<${Failure} error=${calls.error} again=${calls.reload} />`}
        ${!calls.ready && html`<${Skeleton} rows=${8} />`}
        ${calls.ready && !calls.error && !calls.rows.length && html`<${Empty} title=${t(filtered ? 'calls.no_match' : 'calls.none')}>${t(filtered ? 'calls.no_match_hint' : 'calls.none_hint')}<//>`}
        ${calls.rows.length > 0 && html`<div class="table-scroll"><table class="table">
          <thead><tr>${HEADS.map((head) => html`<th scope="col" class=${`cell-${head} ${['waited', 'talked'].includes(head) ? 'cell-right' : ''}`}>${t(`calls.${head}`)}</th>`)}<th scope="col" class="cell-rec"><span class="visually-hidden">${t('calls.recorded')}</span></th></tr></thead>
          <tbody>${calls.rows.map((row) => html`<${Row} key=${row.call_id} row=${row} open=${row.call_id === id} />`)}</tbody>
        </table></div>`}
        ${calls.next !== null && html`<${Sentinel} reached=${calls.more} />`}
      </section>
      ${id && html`<${CallPanel} key=${id} callId=${id} close=${() => go('calls', '', query)} />`}
    </div>
  </div>`;
}

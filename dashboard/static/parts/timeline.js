// @ts-check
import { useState } from 'preact/hooks';
import { request, withQuery } from '../api.js';
import { useFresh } from '../fresh.js';
import { html, Icon } from '../html.js';
import { useLoad, usePages } from '../load.js';
import { phone } from '../phone.js';
import { address } from '../route.js';
import { t, word } from '../text.js';
import { length, when } from '../time.js';
import { report } from '../toasts.js';
import { Empty, Failure, outcomeMark, Reconstructed, Skeleton } from './bits.js';
import { Recording } from './recording.js';
import { Sentinel } from './sentinel.js';
import { rowName } from './who.js';

/** @import { CallRow, CustomerNote } from '../types/wire.d.ts' */

/** `mine`: in my own list, where the other side is what tells the calls apart. @param {{row: CallRow, mine: boolean}} props */
function CallItem({ row: given, mine }) {
  const row = useFresh(given);
  const [open, setOpen] = useState(false);
  const [colour, icon] = outcomeMark(row.outcome);
  const heard = (row.recordings ?? []).filter((one) => one.state === 'stored');
  const chosen = [word('topic', row.topic), word('result', row.result)].filter(Boolean).join(' → ');
  const outcome = word('outcome', row.outcome) || t('outcome.running');
  const whom = mine ? rowName(row) : row.agent_name;
  const title = whom ? t('timeline.call_with', { outcome, whom }) : t('timeline.call', { outcome });
  return html`<li class="event">
    <${Icon} name=${icon} class=${colour} />
    <div class="event-body">
      <p class="event-head"><a href=${address('calls', row.call_id)}>${title}</a>${row.reconstructed && html` <${Reconstructed} small />`}</p>
      <p class="event-sub num">${[when(row.arrived_at), row.talked && length(row.talked), chosen].filter(Boolean).join(' · ')}</p>
      ${row.note && html`<p class="event-note">${row.note}</p>`}
      ${heard.length > 0 && html`<button class="play-line" aria-expanded=${open} onClick=${() => setOpen(!open)}>
        <${Icon} name=${open ? 'cross' : 'play'} />${open ? t('timeline.close') : t('timeline.listen')}</button>`}
      ${open && heard.map((one) => html`<${Recording} key=${one.id} recording=${one} customer=${row.customer?.name} agent=${row.agent_name} compact />`)}
    </div>
  </li>`;
}

/** @param {{note: CustomerNote}} props */
const NoteItem = ({ note }) => html`<li class="event">
  <${Icon} name="note" class="muted" />
  <div class="event-body"><p class="event-head">${t('timeline.note', { author: note.author })}</p>
    <p class="event-sub num">${when(note.at)}</p>
    <p class="event-note">${note.text}</p></div>
</li>`;

/** @param {{customerId: number, added: () => void}} props */
function AddNote({ customerId, added }) {
  const [text, setText] = useState('');
  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    if (!text.trim()) return;
    const saved = await report(request('POST', `/customers/${customerId}/notes`, { text: text.trim() }), t('notes.saved'));
    if (saved) (setText(''), added());
  }
  return html`<form class="add-note" onSubmit=${submit}>
    <label class="visually-hidden" for="customer-note">${t('notes.label')}</label>
    <input id="customer-note" value=${text} placeholder=${t('notes.placeholder')} onInput=${(/** @type {any} */ event) => setText(event.target.value)} autocomplete="off" />
    <button class="button" disabled=${!text.trim()}>${t('notes.add')}</button>
  </form>`;
}

/**
 * Calls and notes as one line of time, newest first. Notes older than the last call loaded wait
 * until the calls around them are there.
 * @param {CallRow[]} calls @param {CustomerNote[]} notes @param {boolean} whole
 */
export function woven(calls, notes, whole) {
  const oldest = calls.at(-1)?.arrived_at ?? 0;
  const items = [
    ...calls.map((row) => ({ at: row.arrived_at, row, note: undefined })),
    ...notes.filter((note) => whole || note.at >= oldest).map((note) => ({ at: note.at, row: undefined, note })),
  ];
  return items.sort((a, b) => b.at - a.at);
}

/**
 * Everything with this customer, or (no customer) with this number, or (neither) my own last calls.
 * `again` changes when the list should be asked for again.
 * @param {{customerId?: number, number?: string, agent?: string, again: string, current?: string}} props
 */
export function Timeline({ customerId, number, agent, again, current }) {
  const [shown, setShown] = useState('all');
  const base = customerId ? `/customers/${customerId}/calls` : '/calls';
  const query = customerId ? {} : number ? { q: number } : { agent };
  const calls = /** @type {ReturnType<typeof usePages<CallRow>>} */ (usePages((before) => withQuery(base, { ...query, before, limit: 20 }), base + JSON.stringify(query), 'calls', [again]));
  const card = useLoad(customerId ? `/customers/${customerId}` : null, [again]);
  const rows = calls.rows.filter((row) => row.call_id !== current);
  const items = woven(shown === 'notes' ? [] : rows, shown === 'calls' ? [] : (card.data?.notes ?? []), calls.next === null || shown === 'notes');
  const about = customerId ? 'customer' : number ? 'number' : 'mine';
  return html`<section class="card timeline" aria-label=${t(`timeline.${about}`)}>
    <header class="timeline-head"><h2 class="card-title">${t(`timeline.${about}`)}</h2>
      ${customerId && html`<div class="tabs" role="group" aria-label=${t('timeline.show')}>${['all', 'calls', 'notes'].map((kind) => html`<button class="tab" aria-pressed=${shown === kind} onClick=${() => setShown(kind)}>${t(`timeline.${kind}`)}</button>`)}</div>`}
    </header>
    ${customerId && html`<${AddNote} key=${customerId} customerId=${customerId} added=${card.reload} />`}
    <div class="timeline-scroll">
      ${calls.error && html`<${Failure} error=${calls.error} again=${calls.reload} />`}
      ${!calls.ready && html`<${Skeleton} rows=${4} />`}
      ${calls.ready && !calls.error && !items.length && html`<${Empty} title=${t(`timeline.${about}_none`)}>${t(`timeline.${about}_hint`, { number: phone(number) })}<//>`}
      <ul class="events">${items.map(({ row, note }) => (row ? html`<${CallItem} key=${row.call_id} row=${row} mine=${about === 'mine'} />` : html`<${NoteItem} key=${`n${note?.id}`} note=${note} />`))}</ul>
      ${calls.next !== null && html`<${Sentinel} reached=${calls.more} />`}
    </div>
  </section>`;
}

// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { request } from '../api.js';
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { phone } from '../phone.js';
import { address } from '../route.js';
import { me } from '../store.js';
import { t, word } from '../text.js';
import { now } from '../time.js';
import { report, say } from '../toasts.js';
import { Chip, Timer } from './bits.js';

/** @import { CallbackRow } from '../types/wire.d.ts' */

const OPEN = ['requested', 'due', 'calling'];
const MAY_CANCEL = ['supervisor', 'admin'];
/** A list that nobody pushes is asked for so often. Microseconds. */
const AGAIN = 10_000_000;

/** @type {Record<CallbackRow['state'], [string, string]>} */
const LOOKS = { requested: ['plain', 'ring'], due: ['warn', 'half'], calling: ['accent', 'dotted'], done: ['good', 'disc'], failed: ['bad', 'diamond'], cancelled: ['plain', ''] };

/** Asks once more: a place that was given up cannot be had back. @param {{row: CallbackRow, who: string, cancel: (row: CallbackRow) => void}} props */
function Cancel({ row, who, cancel }) {
  const [asked, setAsked] = useState(false);
  const keep = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => {
    if (asked) keep.current?.focus();
  }, [asked]);
  const calling = row.state === 'calling';
  if (!asked || calling) return html`<button class="button" disabled=${calling} title=${calling ? t('callbacks.calling') : undefined} aria-label=${t('callbacks.cancel_of', { name: who })} onClick=${() => setAsked(true)}>${t('callbacks.cancel')}</button>`;
  return html`<span class="cell-ask" role="group" aria-label=${t('callbacks.cancel_of', { name: who })}><span class="muted">${t('callbacks.sure')}</span>
    <button class="button" onClick=${() => cancel(row)}>${t('callbacks.sure_yes')}</button>
    <button class="button" ref=${keep} onClick=${() => setAsked(false)}>${t('callbacks.sure_no')}</button></span>`;
}

/** @param {{row: CallbackRow, cancel: (row: CallbackRow) => void}} props */
function Row({ row, cancel }) {
  const [kind, icon] = LOOKS[row.state];
  const call = row.called_as || row.call_id;
  const who = row.name || phone(row.number);
  return html`<tr>
    <td class="cell-with">${call ? html`<a href=${address('calls', call)}><strong>${who}</strong></a>` : html`<strong>${who}</strong>`} ${row.name && html`<span class="muted num nowrap">${phone(row.number)}</span>`}</td>
    <td>${row.queue}</td>
    <td class="nowrap"><${Chip} kind=${kind} icon=${icon || undefined}>${word('callback', row.state)}<//></td>
    <td class="num nowrap"><${Timer} since=${row.requested_at} /></td>
    <td class="muted">${row.reason}</td>
    <td class="cell-right">${MAY_CANCEL.includes(me.value?.role ?? '') && html`<${Cancel} row=${row} who=${who} cancel=${cancel} />`}</td>
  </tr>`;
}

/** Customers who keep a place without holding the line; nothing where there are none. */
export function Callbacks() {
  const { data, reload } = useLoad('/callbacks', [Math.floor(now.value / AGAIN)]);
  const rows = /** @type {CallbackRow[]} */ (data?.callbacks ?? []).filter((row) => OPEN.includes(row.state));
  if (!rows.length) return null;

  /** @param {CallbackRow} row */
  async function cancel(row) {
    const done = await report(request('POST', `/callbacks/${row.callback_id}/cancel`));
    reload();
    if (done) say({ kind: 'done', text: t('callbacks.cancelled', { name: row.name || phone(row.number) }) });
  }

  return html`<section class="card table-card" aria-label=${t('callbacks.title')}>
    <header class="queue-list-head"><h2 class="card-title">${t('callbacks.title')}</h2></header>
    <div class="table-scroll"><table class="table"><thead><tr>${['who', 'queue', 'state', 'since', 'why'].map((head) => html`<th scope="col">${t(`callbacks.${head}`)}</th>`)}<th scope="col"><span class="visually-hidden">${t('callbacks.actions')}</span></th></tr></thead>
      <tbody>${rows.map((row) => html`<${Row} key=${row.callback_id} row=${row} cancel=${cancel} />`)}</tbody></table></div>
  </section>`;
}

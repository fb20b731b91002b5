// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { draftOf, edit, save } from '../drafts.js';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { view } from '../store.js';
import { t, word } from '../text.js';
import { clock } from '../time.js';
import { say } from '../toasts.js';
import { Key } from './bits.js';
import { setAvailability } from './rail.js';

/** @import { Draft } from '../drafts.js' */
/** @import { LiveCall } from '../types/wire.d.ts' */

export const TOPICS = ['billing', 'delivery', 'technical', 'sales', 'complaint', 'other'];
export const RESULTS = ['solved', 'callback', 'handed_on', 'refused', 'unreached'];

/** @param {{label: string, name: 'topic' | 'result', values: string[], chosen: string, keys: boolean, choose: (value: string) => void}} props */
const Choice = ({ label, name, values, chosen, keys, choose }) => html`<div class="choice" role="group" aria-label=${label}>
  <h2>${label}</h2>
  <div class="choice-row">${values.map((value, i) => html`<button key=${value} class="pill" aria-pressed=${chosen === value} onClick=${() => choose(chosen === value ? '' : value)}>
    <span class=${`pill-key num ${keys ? '' : 'is-off'}`} aria-hidden="true">${i + 1}</span>${word(name, value)}</button>`)}</div>
</div>`;

/** How safe the text is, in the server's word. @param {{draft: Draft}} props */
function Saved({ draft }) {
  const bad = draft.state === 'failed';
  const text = draft.state === 'saved' ? t('saved.at', { at: clock(draft.savedAt) })
    : bad ? `${draft.error?.message ?? ''} ${draft.error?.cure ?? ''} ${t('saved.kept')}` : t(`saved.${draft.state}`);
  return html`<p class=${`saved is-${draft.state}`} role="status">${draft.state === 'saved' && html`<${Icon} name="check" class="good" />`}${bad && html`<${Icon} name="diamond" class="bad" />`}${text}</p>`;
}

/**
 * The outcome of the call: a note which saves itself, topic and result by number keys, done.
 * @param {{call: LiveCall}} props
 */
export function Outcome({ call }) {
  const draft = draftOf(call);
  const note = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const [busy, setBusy] = useState(false);
  const wrapping = view.value?.me.availability === 'wrap_up';
  const ended = call.phase === 'ended';
  const asksFor = draft.topic ? 'result' : 'topic';
  useEffect(() => () => void save(call.call_id), [call.call_id]);

  /** @param {Partial<Draft>} change */
  const change = (change) => edit(call, change);

  /** Saved on the server's disk first; only then is the agent free for the next call. */
  async function done() {
    setBusy(true);
    const safe = await save(call.call_id);
    if (safe && wrapping && ended) await setAvailability('available');
    else if (safe) say({ kind: 'done', text: t('saved.toast') });
    setBusy(false);
  }

  /** Two quick keys may come before the page is drawn again: ask the draft, not the page. @param {number} i */
  function digit(i) {
    const name = draftOf(call).topic ? 'result' : 'topic';
    const value = (name === 'topic' ? TOPICS : RESULTS)[i];
    if (value) change({ [name]: value });
  }
  useKeys({
    ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [String(i + 1), () => digit(i)])),
    n: () => note.current?.focus(), N: () => note.current?.focus(),
    Backspace: () => change(draftOf(call).result ? { result: '' } : { topic: '' }),
    'Ctrl+Enter': () => void done(), Enter: () => (ended ? void done() : false),
    Escape: () => (document.activeElement === note.current ? note.current?.blur() : false),
  });

  return html`<section class="card outcome" aria-label=${t('outcome.label')}>
    <div class="outcome-note">
      <div class="outcome-head"><label for="call-note">${t('outcome.note')} <${Key} keys="N" /></label><${Saved} draft=${draft} /></div>
      <textarea id="call-note" ref=${note} rows="3" value=${draft.note} placeholder=${t('outcome.placeholder')}
        onInput=${(/** @type {any} */ event) => change({ note: event.target.value })} onBlur=${() => save(call.call_id)}></textarea>
    </div>
    <${Choice} label=${t('outcome.topic')} name="topic" values=${TOPICS} chosen=${draft.topic} keys=${asksFor === 'topic'} choose=${(/** @type {string} */ topic) => change({ topic })} />
    <div class="outcome-end">
      <${Choice} label=${t('outcome.result')} name="result" values=${RESULTS} chosen=${draft.result} keys=${asksFor === 'result'} choose=${(/** @type {string} */ result) => change({ result })} />
      ${ended && html`<button class="button button-primary" aria-busy=${busy} disabled=${busy} onClick=${done}>
        ${t(wrapping ? 'outcome.done' : 'outcome.save')}<${Key} keys="Enter" /></button>`}
    </div>
  </section>`;
}

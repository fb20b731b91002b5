// @ts-check
import { awaited, useWatch } from '../fresh.js';
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { readable } from '../phone.js';
import { address } from '../route.js';
import { t, word } from '../text.js';
import { exact, length, when } from '../time.js';
import { Chip, Failure, Outcome, Phone, Reconstructed, Skeleton, Tier } from './bits.js';
import { Panel } from './panel.js';
import { Recording } from './recording.js';
import { explains, rowName } from './who.js';

/** @import { CallRow, Moment, Step } from '../types/wire.d.ts' */

/** @param {{row: CallRow}} props */
const Headline = ({ row }) => html`<div class="call-headline">
  <p class="call-badges"><${Outcome} outcome=${row.outcome} />${row.reconstructed && html`<${Reconstructed} />`}<${Tier} tier=${row.customer?.tier} />${row.queue && html`<${Chip}>${row.queue}<//>`}${row.agent_name && html`<${Chip}>${t('call.with', { agent: row.agent_name })}<//>`}</p>
  <p class="muted num">${[when(row.arrived_at), row.waited ? t('waited', { length: length(row.waited) }) : '', row.talked ? t('call.talked', { length: length(row.talked) }) : ''].filter(Boolean).join(' · ')}
    ${row.customer && html` · <${Phone} number=${row.number} />`}</p>
  ${row.path?.length ? html`<ol class="crumbs">${row.path.map((step) => html`<li><span class="chip chip-plain">${step}</span></li>`)}</ol>` : null}
  ${row.reconstructed && html`<p class="hint">${t('reconstructed.call')}</p>`}
  ${explains(row.why) && html`<p class="why"><span class="muted">${t('why.title')}</span> ${row.why}</p>`}
</div>`;

/** @param {{row: CallRow}} props */
function Disposition({ row }) {
  const chosen = [word('topic', row.topic), word('result', row.result)].filter(Boolean).join(' → ');
  if (!chosen && !row.note) return html`<p class="muted">${t(row.outcome ? 'call.no_outcome' : 'call.no_outcome_yet')}</p>`;
  return html`<div>${chosen && html`<p><strong>${chosen}</strong></p>`}${row.note && html`<p class="event-note">${row.note}</p>`}${row.note_by && html`<p class="hint">${t('call.note_by', { author: row.note_by })}</p>`}</div>`;
}

/** @param {{steps: Step[]}} props */
const Steps = ({ steps }) => html`<ol class="steps">${steps.map((step) => html`<li key=${step.seq}><span class="num muted">${exact(step.at)}</span><span>${readable(step.text)}${step.reconstructed && html` <${Reconstructed} small />`}</span></li>`)}</ol>`;

/**
 * One call beside the list: its outcome, its recording and words, and every step it took.
 * @param {{callId: string, close: () => void, moment?: Moment | null}} props `moment`: where to listen first
 */
export function CallPanel({ callId, close, moment }) {
  const { data, error, reload } = useLoad(`/calls/${encodeURIComponent(callId)}`);
  const row = /** @type {CallRow | undefined} */ (data?.call);
  useWatch(row ? awaited(row) : '', reload);
  return html`<${Panel} wide title=${row ? rowName(row) : t('call.title')} close=${close}>
    ${error && html`<${Failure} error=${error} again=${reload} />`}
    ${!row && !error && html`<${Skeleton} rows=${6} />`}
    ${row && html`
      <${Headline} row=${row} />
      <section class="panel-part"><h3>${t('call.recording')}</h3>
        ${row.recordings?.length ? row.recordings.map((one) => html`<${Recording} key=${one.id} recording=${one} moment=${moment?.recording === one.id ? moment : null} customer=${row.customer?.name} agent=${row.agent_name} />`) : html`<p class="muted">${t(row.outcome ? 'call.no_recording' : 'call.on_air')}</p>`}</section>
      <section class="panel-part"><h3>${t('call.outcome')}</h3><${Disposition} row=${row} /></section>
      <section class="panel-part"><h3>${t('call.steps')}</h3><p><a class="accent" href=${`${address('calls', callId)}/ladder`}>${t('ladder.open')}</a></p><${Steps} steps=${data.steps} /></section>`}
  <//>`;
}

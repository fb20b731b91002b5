// @ts-check
import { html, Icon } from '../html.js';
import { phone } from '../phone.js';
import { t, word } from '../text.js';
import { length, now } from '../time.js';
import { Avatar, Chip, Phone, Tier, Timer } from './bits.js';
import { PauseRecording } from './pause.js';
import { sentence, spotOf } from './waiting.js';
import { callerName, explains } from './who.js';

/** @import { Customer, LiveCall } from '../types/wire.d.ts' */

/** How the call stands: the word, its icon, its colour. @type {Record<string, [string, string]>} */
const PHASES = { ringing: ['dotted', 'accent'], talking: ['disc', 'good'], on_hold: ['half', 'warn'], ended: ['ring', 'muted'] };

/** @param {{call: LiveCall}} props */
function Clock({ call }) {
  const [icon, colour] = PHASES[call.phase];
  const ended = call.phase === 'ended';
  const length_ = call.answered_at ? (call.ended_at ?? 0) - call.answered_at : 0;
  const since = call.phase === 'ringing' ? call.offered_at || call.since : call.answered_at || call.since;
  return html`<div class="callclock">
    ${ended ? html`<span class="num callclock-time">${length(length_)}</span>` : html`<${Timer} class="callclock-time dims" since=${since} />`}
    <span class="callclock-phase"><${Icon} name=${icon} class=${colour} />${word('phase', ended && !call.answered_at ? 'missed' : call.phase)}
      ${call.queue && html` · ${call.queue}`}</span>
  </div>`;
}

/** @param {{recording: NonNullable<LiveCall['recording']>}} props */
function Recording({ recording }) {
  const kind = ['failed', 'paused'].includes(recording.state) ? 'bad' : recording.state === 'recording' ? 'rec' : 'plain';
  const icon = recording.state === 'paused' ? 'pause' : recording.state === 'failed' ? 'diamond' : recording.state === 'recording' ? 'disc' : 'check';
  return html`<${Chip} kind=${kind} icon=${icon} title=${recording.reason}>${word('recording', recording.state)}<//>`;
}

/** The line under the name: company, number, owner. @param {{call: LiveCall, customer?: Customer | null}} props */
function Facts({ call, customer }) {
  const owner = customer?.owner_name && [customer.owner_name, customer.owner_extension || phone(customer.owner_mobile)].filter(Boolean).join(', ');
  const number = call.pop?.number || call.number;
  return html`<p class="callfacts">
    ${customer?.company && html`<span>${customer.company}</span>`}
    ${number && customer && html`<${Phone} number=${number} />`}
    ${owner && html`<span>${t('who.owner', { owner })}</span>`}
    ${customer?.segment && html`<span>${customer.segment}</span>`}
    ${!customer && html`<span>${word('match', call.pop?.match ?? 'looking')}</span>`}
  </p>`;
}

/** How the caller came to this agent, step by step. @param {{call: LiveCall, waited: number}} props */
function CameBy({ call, waited }) {
  const steps = [phone(call.did), ...(call.path ?? []), call.queue && t('cameby.queue', { queue: call.queue })].filter(Boolean);
  return html`<div class="cameby">
    <span class="muted">${t(call.direction === 'outbound' ? 'cameby.out' : 'cameby.label')}</span>
    <ol class="crumbs">${steps.map((step) => html`<li><span class="chip chip-plain">${step}</span></li>`)}</ol>
    <span class="cameby-end">
      ${call.recording && html`<${Recording} recording=${call.recording} />`}
      ${call.queue ? html`<${Chip} kind="accent"><span class="num">${t('waited', { length: length(waited) })}</span><//>` : null}
    </span>
  </div>`;
}

/**
 * Who is on the line, how they came, why they are here: up while the phone rings, and until the
 * agent leaves wrap-up. `linked` is the customer the agent said it is.
 * @param {{call: LiveCall, linked: Customer | null}} props
 */
export function CallCard({ call, linked }) {
  const pop = call.pop;
  const customer = linked ?? (pop?.match === 'several' ? null : pop?.customer);
  const name = customer?.name ?? callerName(call);
  const spot = spotOf(call.call_id);
  const why = spot ? sentence(spot.caller, spot.rank, spot.of) : explains(call.why) && call.why;
  return html`<section class=${`card callcard is-${call.phase}`} aria-label=${t('callcard.label')}>
    <div class="callcard-head">
      <${Avatar} name=${customer?.name} match=${pop?.match} />
      <div class="callcard-who">
        <h1 title=${name}>${name}</h1>
        <span class="callcard-badges">
          <${Tier} tier=${customer?.tier} />
          ${customer?.status && html`<${Chip}>${word('status', customer.status)}<//>`}
          ${!customer && pop?.match === 'several' && html`<${Chip} kind="warn" icon="triangle">${t('who.several', { n: pop.candidates?.length ?? 0 })}<//>`}
          ${!customer && pop?.match === 'none' && html`<${Chip}>${t('who.unknown')}<//>`}
          ${!pop && html`<${Chip} icon="dotted">${t('who.looking')}<//>`}
        </span>
        <${Facts} call=${call} customer=${customer} />
      </div>
      <${Clock} call=${call} />
    </div>
    <${CameBy} call=${call} waited=${spot ? now.value - spot.caller.joined_at : call.waited} />
    ${['talking', 'on_hold'].includes(call.phase) && html`<${PauseRecording} call=${call} />`}
    ${why && html`<p class="why"><span class="muted">${t('why.label')}</span> <span class="num">${why}</span></p>`}
  </section>`;
}

// @ts-check
import { useState } from 'preact/hooks';
import { request, requestId } from '../api.js';
import { save } from '../drafts.js';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { useLoad } from '../load.js';
import { t } from '../text.js';
import { report } from '../toasts.js';
import { Key } from './bits.js';
import { HandOn } from './handon.js';
import { Keypad } from './keypad.js';
import { whyNot } from './linkbar.js';

/** @import { LiveCall } from '../types/wire.d.ts' */

/** @param {LiveCall} call */
const pathOf = (call) => `/calls/${encodeURIComponent(call.call_id)}`;

/**
 * What I can do with the call in hand. A command that runs disables the others; what the PBX cannot
 * do is shown, disabled, with its reason.
 * @param {{call: LiveCall}} props
 */
export function Controls({ call }) {
  const [open, setOpen] = useState('');
  const [running, setRunning] = useState('');
  const { data } = useLoad(`${pathOf(call)}/controls`);
  const missing = /** @type {{action: string, reason: string, cure: string}[]} */ (data?.missing ?? []);
  const away = whyNot();

  /** @param {string} action why it cannot be done now; '' when it can */
  const why = (action) => {
    const lacks = missing.find((one) => one.action === action);
    return away || (lacks ? `${lacks.reason}: ${lacks.cure}` : '');
  };

  /** Carry one out, unless one runs. @param {string} action @param {() => Promise<unknown>} work @param {string} [done] */
  async function run(action, work, done) {
    if (running || why(action)) return false;
    setRunning(action);
    const answer = await report(work(), done);
    setRunning('');
    return answer !== undefined;
  }

  /** @param {{kind: string, to: string, name: string}} target */
  async function transfer(target) {
    const { kind, to, name } = target;
    const id = requestId();
    await save(call.call_id); // what is written goes along
    if (await run('transfer', () => request('POST', `${pathOf(call)}/transfer`, { kind, to, request_id: id }), t('controls.handed', { name }))) setOpen('');
  }
  /** @param {{to: string}} target */
  async function consult({ to }) {
    await save(call.call_id);
    if (await run('transfer', () => request('POST', `${pathOf(call)}/consult`, { agent: to, request_id: requestId() }))) setOpen('');
  }
  /** @param {'back' | 'complete'} how */
  const settle = (how) => run(how, () => request('POST', `${pathOf(call)}/consult/${how}`, { request_id: requestId() }), how === 'complete' ? t('controls.handed', { name: call.consults ?? '' }) : undefined);
  const mute = () => run('mute', () => request('PUT', `${pathOf(call)}/mute`, { muted: !call.muted }));
  const hangUp = () => run('hangup', () => request('POST', `${pathOf(call)}/hangup`, { request_id: requestId() }));
  /** @param {string} part */
  const toggle = (part) => setOpen(open === part ? '' : part);

  useKeys(call.consults ? { t: () => void settle('complete'), b: () => void settle('back') } : {
    t: () => (why('transfer') ? undefined : toggle('transfer')), m: () => void mute(), k: () => (why('keypad') ? undefined : toggle('keypad')),
    H: () => void hangUp(), Escape: () => (open ? setOpen('') : false),
  });

  /** @param {string} action @param {string} icon @param {string} key @param {() => unknown} act @param {object} [more] */
  const button = (action, icon, key, act, more) => html`<button class=${`button control control-${action}`} disabled=${Boolean(why(action) || (running && running !== action))} title=${why(action) || undefined}
    aria-busy=${running === action} onClick=${act} ...${more}><${Icon} name=${icon} />${t(`controls.${action === 'mute' && call.muted ? 'unmute' : action}`)}<${Key} keys=${key} /></button>`;

  if (call.consults) {
    return html`<section class="card controls" aria-label=${t('controls.label')}>
      <p class="controls-asks" role="status"><${Icon} name="half" class="warn" />${t('controls.asks', { name: call.consults })}</p>
      <div class="controls-row">
        ${button('complete', 'out', 'T', () => settle('complete'))}
        ${button('back', 'in', 'B', () => settle('back'))}
      </div>
      ${away && html`<p class="hint">${away}</p>`}
    </section>`;
  }
  const said = away || missing.map((one) => `${one.reason}. ${one.cure}`).join(' ');
  return html`<section class="card controls" aria-label=${t('controls.label')}>
    <div class="controls-row">
      ${button('transfer', 'out', 'T', () => toggle('transfer'), { 'aria-expanded': open === 'transfer' })}
      ${button('mute', 'mute', 'M', mute, { 'aria-pressed': Boolean(call.muted) })}
      ${button('keypad', 'keypad', 'K', () => toggle('keypad'), { 'aria-expanded': open === 'keypad' })}
      ${button('hangup', 'hangup', 'Shift H', hangUp)}
    </div>
    ${call.muted && html`<p class="controls-muted" role="status"><${Icon} name="mute" />${t('controls.muted')}</p>`}
    ${said && html`<p class="hint">${said}</p>`}
    ${open === 'transfer' && html`<${HandOn} busy=${Boolean(running)} choose=${transfer} consult=${consult} />`}
    ${open === 'keypad' && html`<${Keypad} path=${pathOf(call)} />`}
  </section>`;
}

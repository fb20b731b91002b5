// @ts-check
import { useState } from 'preact/hooks';
import { request } from '../api.js';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { t } from '../text.js';
import { length, now } from '../time.js';
import { report } from '../toasts.js';
import { Key } from './bits.js';
import { whyNot } from './linkbar.js';

/** @import { LiveCall } from '../types/wire.d.ts' */

/** Why this call's recording cannot be paused; '' when it can. @param {LiveCall['recording']} recording */
function refusal(recording) {
  if (!recording) return t('pause.none');
  if (recording.state === 'failed') return t('pause.failed', { reason: recording.reason ?? '' });
  return whyNot() && t('pause.no_link');
}

/**
 * Pause what is recorded of the talk, while a card number is said; red, with the rest of the time,
 * until it goes on. The screen follows when the server says so.
 * @param {{call: LiveCall}} props
 */
export function PauseRecording({ call }) {
  const { recording } = call;
  const [busy, setBusy] = useState(false);
  const paused = recording?.state === 'paused';
  const why = refusal(recording);
  /** @param {'pause' | 'resume'} what */
  const ask = async (what) => {
    if (why || busy) return;
    setBusy(true);
    await report(request('POST', `/recordings/${encodeURIComponent(recording?.id ?? '')}/${what}`));
    setBusy(false);
  };
  const toggle = () => void ask(paused ? 'resume' : 'pause');
  useKeys({ p: toggle, P: toggle });
  const label = t(paused ? 'pause.resume' : 'pause.pause');
  return html`<div class=${`pause ${paused ? 'is-paused' : ''}`} role="group" aria-label=${t('pause.label')}>
    <p class="pause-said" role="status">${paused ? html`<${Icon} name="pause" /><strong>${t('pause.paused')}</strong>` : why && html`<span class="muted" id="pause-why">${why}</span>`}</p>
    ${paused && html`<span class="num dims" role="timer" aria-label=${t('pause.left')}>${t('pause.goes_on', { length: length(Math.max(0, (recording?.until ?? 0) - now.value)) })}</span>`}
    ${paused && html`<button class="button" disabled=${Boolean(why)} onClick=${() => ask('pause')}>${t('pause.longer')}</button>`}
    <button class="button" disabled=${Boolean(why)} aria-describedby=${why ? 'pause-why' : undefined} aria-busy=${busy} onClick=${toggle}>
      <${Icon} name=${paused ? 'disc' : 'pause'} />${label}<${Key} keys="P" /></button>
  </div>`;
}

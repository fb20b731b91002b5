// @ts-check
import { useEffect } from 'preact/hooks';
import { html } from '../html.js';
import { call } from '../store.js';
import { t } from '../text.js';
import { spoken } from '../time.js';
import { spotOf } from './waiting.js';
import { callerName } from './who.js';

/** Says a ringing call aloud to a screen reader, and in the tab's title to everybody else. */
export function Announcer() {
  const live = call.value;
  const ringing = live?.phase === 'ringing' ? live : null;
  const who = ringing ? callerName(ringing) : '';
  // As it was when the phone began to ring: a text that changed each second would be said each second.
  const spot = ringing && spotOf(ringing.call_id);
  const waited = spot ? (ringing.offered_at ?? ringing.since) - spot.caller.joined_at : (ringing?.waited ?? 0);
  const said = ringing
    ? t('ringing.said', { who, tier: ringing.pop?.customer?.tier ?? '', queue: ringing.queue ?? '', waited: spoken(waited) })
    : '';
  useEffect(() => {
    document.title = who ? t('title.ringing', { who }) : 'Ringdesk';
  }, [who]);
  return html`<div class="visually-hidden" role="status" aria-live="assertive" aria-atomic="true">${said}</div>`;
}

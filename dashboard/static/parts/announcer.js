// @ts-check
import { useEffect } from 'preact/hooks';
import { html } from '../html.js';
import { call } from '../store.js';
import { t } from '../text.js';
import { spoken } from '../time.js';
import { callerName } from './who.js';

/** Says a ringing call aloud to a screen reader, and in the tab's title to everybody else. */
export function Announcer() {
  const live = call.value;
  const ringing = live?.phase === 'ringing' ? live : null;
  const who = ringing ? callerName(ringing) : '';
  const said = ringing
    ? t('ringing.said', { who, tier: ringing.pop?.customer?.tier ?? '', queue: ringing.queue ?? '', waited: spoken(ringing.waited ?? 0) })
    : '';
  useEffect(() => {
    document.title = who ? t('title.ringing', { who }) : 'Ringdesk';
  }, [who]);
  return html`<div class="visually-hidden" role="status" aria-live="assertive" aria-atomic="true">${said}</div>`;
}

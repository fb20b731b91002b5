// @ts-check
import { useState } from 'preact/hooks';
import { request } from '../api.js';
import { html, Icon } from '../html.js';
import { me } from '../store.js';
import { t } from '../text.js';
import { report } from '../toasts.js';
import { waitingName } from './who.js';

/** @import { Waiting } from '../types/wire.d.ts' */

const MAY = ['supervisor', 'admin'];

/** @param {Waiting} caller @param {'' | 'front' | 'end'} placed @param {string} reason */
const place = (caller, placed, reason) =>
  report(request('PUT', `/calls/${encodeURIComponent(caller.call_id)}/place`, { placed, reason }), t(`move.done_${placed || 'back'}`, { name: waitingName(caller) }));

/** Who moved the caller, and why. @param {{caller: Waiting}} props */
export function Placed({ caller }) {
  if (!caller.placed) return null;
  return html`<span class="caller-placed">${t(`move.is_${caller.placed}`, { by: caller.placed_by ?? '', why: caller.placed_why ?? '' })}</span>`;
}

/**
 * For those who lead: move a caller by hand, with a reason, and take it back.
 * @param {{caller: Waiting}} props
 */
export function Mover({ caller }) {
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  if (!MAY.includes(me.value?.role ?? '')) return null;
  const name = waitingName(caller);
  if (!open) {
    return html`<span class="caller-move">
      ${caller.placed && html`<button class="button" onClick=${() => place(caller, '', t('move.undone'))}>${t('move.undo')}</button>`}
      <button class="button" aria-label=${t('move.of', { name })} onClick=${() => setOpen(true)}>${t('move')}</button>
    </span>`;
  }
  const send = async (/** @type {'front' | 'end'} */ placed) => {
    if (await place(caller, placed, reason.trim())) {
      setOpen(false);
      setReason('');
    }
  };
  const given = reason.trim().length > 0;
  return html`<form class="caller-form" aria-label=${t('move.of', { name })} onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); if (given) send('front'); }}>
    <input autofocus maxlength="200" required placeholder=${t('move.reason')} aria-label=${t('move.reason')} value=${reason}
      onInput=${(/** @type {InputEvent} */ event) => setReason(/** @type {HTMLInputElement} */ (event.target).value)} />
    <button class="button" disabled=${!given}>${t('move.front')}</button>
    <button class="button" type="button" disabled=${!given} onClick=${() => send('end')}>${t('move.end')}</button>
    <button class="icon-button" type="button" aria-label=${t('close')} onClick=${() => setOpen(false)}><${Icon} name="cross" /></button>
  </form>`;
}

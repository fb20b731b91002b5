// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { request } from '../api.js';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { me } from '../store.js';
import { t } from '../text.js';
import { report } from '../toasts.js';
import { waitingName } from './who.js';

/** @import { Waiting } from '../types/wire.d.ts' */

const MAY = ['supervisor', 'admin'];

/** @param {Waiting} caller @param {'' | 'front' | 'end'} placed @param {string} reason */
const place = (caller, placed, reason) =>
  report(request('PUT', `/calls/${encodeURIComponent(caller.call_id)}/place`, { placed, reason }), t(`move.done_${placed || 'back'}`, { name: waitingName(caller) }));

const mayMove = () => MAY.includes(me.value?.role ?? '');

/** Who moved the caller, and why; those who lead can take it back. @param {{caller: Waiting}} props */
export function Placed({ caller }) {
  if (!caller.placed) return null;
  return html`<span class="caller-placed"><span>${t(`move.is_${caller.placed}`, { by: caller.placed_by ?? '', why: caller.placed_why ?? '' })}</span>
    ${mayMove() && html`<button class="button" aria-label=${t('move.undo_of', { name: waitingName(caller) })} onClick=${() => place(caller, '', t('move.undone'))}>${t('move.undo')}</button>`}</span>`;
}

/**
 * For those who lead: move a caller by hand, with a reason.
 * @param {{caller: Waiting}} props
 */
export function Mover({ caller }) {
  const [open, setOpen] = useState(false);
  const opener = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const was = useRef(false);
  useEffect(() => {
    if (was.current && !open) opener.current?.focus();
    was.current = open;
  }, [open]);
  if (!mayMove()) return null;
  const name = waitingName(caller);
  if (open) return html`<${MoveForm} caller=${caller} name=${name} close=${() => setOpen(false)} />`;
  return html`<span class="caller-move">
    <button class="button" ref=${opener} aria-label=${t('move.of', { name })} onClick=${() => setOpen(true)}>${t('move')}</button>
  </span>`;
}

/** The reason, then where to. Escape closes it. @param {{caller: Waiting, name: string, close: () => void}} props */
function MoveForm({ caller, name, close }) {
  const [reason, setReason] = useState('');
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  // Not the attribute autofocus: browsers heed it once a page.
  useEffect(() => field.current?.focus(), []);
  useKeys({ Escape: close });
  const send = async (/** @type {'front' | 'end'} */ placed) => {
    if (await place(caller, placed, reason.trim())) close();
  };
  const given = reason.trim().length > 0;
  return html`<form class="caller-form" aria-label=${t('move.of', { name })} onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); if (given) send('front'); }}>
    <input ref=${field} maxlength="200" required placeholder=${t('move.reason')} aria-label=${t('move.reason')} value=${reason}
      onInput=${(/** @type {InputEvent} */ event) => setReason(/** @type {HTMLInputElement} */ (event.target).value)} />
    <button class="button" disabled=${!given}>${t('move.front')}</button>
    <button class="button" type="button" disabled=${!given} onClick=${() => send('end')}>${t('move.end')}</button>
    <button class="icon-button" type="button" aria-label=${t('close')} onClick=${close}><${Icon} name="cross" /></button>
  </form>`;
}

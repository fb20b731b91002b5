// @ts-check
import { useRef, useState } from 'preact/hooks';
import { request, requestId } from '../api.js';
import { html } from '../html.js';
import { useKeys } from '../keys.js';
import { t } from '../text.js';
import { report } from '../toasts.js';

const KEYS = [...'123456789*0#'];

/**
 * Keys for the other party's line, by mouse or by the keyboard, one after the other.
 * @param {{path: string}} props
 */
export function Keypad({ path }) {
  const [sent, setSent] = useState('');
  const last = useRef(/** @type {Promise<unknown>} */ (Promise.resolve()));
  /** @param {string} digit */
  function press(digit) {
    const body = { digits: digit, request_id: requestId() };
    last.current = last.current.then(async () => {
      if (await report(request('POST', `${path}/digits`, body))) setSent((before) => (before + digit).slice(-24));
    });
  }
  useKeys(Object.fromEntries(KEYS.map((key) => [key, () => press(key)])));
  return html`<div class="keypad" role="group" aria-label=${t('controls.keypad')}>
    <div class="keypad-keys">${KEYS.map((key) => html`<button class="button num" onClick=${() => press(key)}>${key}</button>`)}</div>
    <p class="hint" role="status">${sent ? html`${t('keypad.sent')} <span class="num">${sent}</span>` : t('keypad.hint')}</p>
  </div>`;
}

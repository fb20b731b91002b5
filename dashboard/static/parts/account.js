// @ts-check
import { useState } from 'preact/hooks';
import { request } from '../api.js';
import { forget, saveAll } from '../drafts.js';
import { html } from '../html.js';
import { me, signedOut } from '../store.js';
import { t, word } from '../text.js';
import { report } from '../toasts.js';
import { Field } from './bits.js';
import { Panel } from './panel.js';

/** @import { Me } from '../types/wire.d.ts' */

async function logOut() {
  await saveAll();
  if (await report(request('POST', '/logout').then(() => true))) (forget(), signedOut());
}

/** Who I am here: change my password, log out. @param {{close: () => void}} props */
export function Account({ close }) {
  const user = /** @type {Me} */ (me.value);
  const [busy, setBusy] = useState(false);

  /** @param {SubmitEvent} event */
  async function change(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    setBusy(true);
    const answer = await report(request('PUT', '/me/password', Object.fromEntries(form)).then(() => true), t('account.changed'));
    setBusy(false);
    if (answer) close();
  }

  return html`<${Panel} title=${user.name} close=${close}>
    <dl class="facts">
      <div><dt>${t('people.username')}</dt><dd>${user.username}</dd></div>
      <div><dt>${t('people.role')}</dt><dd>${word('role', user.role)}</dd></div>
      <div><dt>${t('people.phone')}</dt><dd>${user.agent || t('none')}</dd></div>
      <div><dt>${t('people.queues')}</dt><dd>${user.queues.join(', ') || t('none')}</dd></div>
    </dl>
    <form class="stack" onSubmit=${change}>
      <h3>${t('account.password')}</h3>
      <input type="hidden" autocomplete="username" value=${user.username} />
      <${Field} label=${t('account.old')} name="old" type="password" autocomplete="current-password" required />
      <${Field} label=${t('account.new')} name="new" type="password" autocomplete="new-password" required minlength="10" hint=${t('account.hint')} />
      <button class="button" disabled=${busy}>${t('account.change')}</button>
    </form>
    <button class="button button-wide" onClick=${logOut}>${t('account.logout')}</button>
  <//>`;
}

// @ts-check
import { useState } from 'preact/hooks';
import { request } from '../api.js';
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { Chip, Empty, Failure, Field, Select, Skeleton } from '../parts/bits.js';
import { Panel } from '../parts/panel.js';
import { go, route } from '../route.js';
import { me, queues } from '../store.js';
import { t, word } from '../text.js';
import { report, say } from '../toasts.js';

/** @import { User } from '../types/wire.d.ts' */

const ROLES = ['agent', 'supervisor', 'telemarketer', 'manager', 'admin'];

/** A generated password, shown this once. @param {{user: User, password: string}} props */
function Password({ user, password }) {
  const copy = () => navigator.clipboard?.writeText(password).then(() => say({ kind: 'done', text: t('people.copied') }), () => {});
  return html`<div class="once" role="status">
    <p><strong>${t('people.created', { name: user.name })}</strong> ${t('people.once')}</p>
    <p class="once-line"><code class="num">${password}</code><button class="button" onClick=${copy} autofocus>${t('people.copy')}</button></p>
  </div>`;
}

/** @param {{added: () => void, close: () => void}} props */
function AddPerson({ added, close }) {
  const [made, setMade] = useState(/** @type {{user: User, password: string} | null} */ (null));
  const [busy, setBusy] = useState(false);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const { queues: list, password, ...rest } = /** @type {Record<string, string>} */ (Object.fromEntries(form));
    setBusy(true);
    const answer = await report(request('POST', '/users', { ...rest, password: password || null, queues: list.split(/[\s,]+/).filter(Boolean) }));
    setBusy(false);
    if (!answer) return;
    added();
    if (answer.password) setMade(answer);
    else (say({ kind: 'done', text: t('people.created', { name: answer.user.name }) }), close());
  }

  return html`<${Panel} title=${t('people.add')} close=${close}>
    ${made ? html`<${Password} ...${made} /><button class="button button-wide" onClick=${close}>${t('close')}</button>` : html`<form class="stack" onSubmit=${submit}>
      <${Field} label=${t('people.name')} name="name" required autocomplete="off" autofocus />
      <${Field} label=${t('people.username')} name="username" required autocomplete="off" autocapitalize="none" spellcheck=${false} />
      <${Select} label=${t('people.role')} name="role" value="agent" options=${ROLES.map((role) => [role, word('role', role)])} />
      <${Field} label=${t('people.phone')} name="agent" placeholder="PJSIP/101" hint=${t('people.phone_hint')} autocomplete="off" spellcheck=${false} />
      <${Field} label=${t('people.queues')} name="queues" placeholder=${Object.keys(queues.value).join(', ')} hint=${t('people.queues_hint')} autocomplete="off" />
      <${Field} label=${t('people.password')} name="password" type="password" hint=${t('people.password_hint')} autocomplete="new-password" />
      <button class="button button-primary button-wide" disabled=${busy}>${t('people.create')}</button>
    </form>`}
  <//>`;
}

/** @param {{user: User, change: (user: User, active: boolean) => void}} props */
function Row({ user, change }) {
  const self = user.username === me.value?.username;
  return html`<tr class=${user.active ? '' : 'is-off'}>
    <td><strong>${user.name}</strong></td>
    <td class="muted">${user.username}</td>
    <td>${word('role', user.role)}</td>
    <td class="num">${user.agent || '–'}</td>
    <td>${user.queues.join(', ') || '–'}</td>
    <td>${user.active ? html`<${Chip} kind="good" icon="disc">${t('people.active')}<//>` : html`<${Chip} icon="ring">${t('people.inactive')}<//>`}</td>
    <td class="cell-right"><button class="button" disabled=${self} title=${self ? t('people.not_self') : undefined} onClick=${() => change(user, !user.active)}>
      ${t(user.active ? 'people.deactivate' : 'people.activate')}</button></td>
  </tr>`;
}

/** Who may log in: add a person, deactivate one (with an undo, not a question). */
export function PeoplePage() {
  const { data, error, reload } = useLoad('/users');
  const users = /** @type {User[]} */ (data?.users ?? []);

  /** @param {User} user @param {boolean} active */
  async function change(user, active) {
    const answer = await report(request('PATCH', `/users/${encodeURIComponent(user.username)}`, { active }).then(() => true));
    if (!answer) return;
    reload();
    const undo = { label: t('undo'), run: () => void change(user, !active) };
    say({ kind: 'done', text: t(active ? 'people.activated' : 'people.deactivated', { name: user.name }), act: undo });
  }

  return html`<div class="page">
    <div class="page-head"><h1>${t('nav.people')}</h1><button class="button button-primary" onClick=${() => go('people', 'new')}>${t('people.add')}</button></div>
    <section class="card table-card">
      ${error && html`<${Failure} error=${error} again=${reload} />`}
      ${!data && !error && html`<${Skeleton} rows=${5} />`}
      ${data && !users.length && html`<${Empty} title=${t('people.none')}>${t('people.none_hint')}<//>`}
      ${users.length > 0 && html`<div class="table-scroll"><table class="table"><thead><tr>${['name', 'username', 'role', 'phone', 'queues', 'state'].map((head) => html`<th scope="col">${t(`people.${head}`)}</th>`)}<th scope="col"><span class="visually-hidden">${t('people.actions')}</span></th></tr></thead>
        <tbody>${users.map((user) => html`<${Row} key=${user.username} user=${user} change=${change} />`)}</tbody></table></div>`}
    </section>
    ${route.value.id === 'new' && html`<${AddPerson} added=${reload} close=${() => go('people')} />`}
  </div>`;
}

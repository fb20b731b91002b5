// @ts-check
import { useState } from 'preact/hooks';
import { withQuery } from '../api.js';
import { html, Icon } from '../html.js';
import { useLoad } from '../load.js';
import { t, word } from '../text.js';
import { length, when } from '../time.js';
import { address } from '../route.js';
import { outcomeMark, Tier } from './bits.js';

/** @import { Customer, LiveCall, PastContact } from '../types/wire.d.ts' */

/** @param {{contact: PastContact}} props */
function Contact({ contact }) {
  const [colour, icon] = outcomeMark(contact.outcome);
  return html`<li><a class="contact" href=${address('calls', contact.call_id)}>
    <${Icon} name=${icon} class=${colour} />
    <span class="contact-what"><strong>${word('outcome', contact.outcome)}</strong>${contact.agent && html` · ${contact.agent}`}${contact.result && html` · ${word('result', contact.result)}`}
      ${contact.note && html`<span class="contact-note">${contact.note}</span>`}</span>
    <span class="num muted nowrap">${when(contact.at)}${contact.talked ? ` · ${length(contact.talked)}` : ''}</span>
  </a></li>`;
}

/** The last three contacts. @param {{call: LiveCall}} props */
export function LastContacts({ call }) {
  const pop = call.pop;
  const contacts = pop?.contacts?.slice(0, 3) ?? [];
  // Of several people with one number, none is known to be in contact for the first time.
  if (pop?.match !== 'one' && !contacts.length) return null;
  return html`<section class="card">
    <h2 class="card-title">${t('contacts.title')}</h2>
    ${contacts.length
      ? html`<ul class="contacts">${contacts.map((contact) => html`<${Contact} key=${contact.call_id} contact=${contact} />`)}</ul>`
      : html`<p class="muted">${t('contacts.none')}</p>`}
  </section>`;
}

/** @param {{customer: Customer, chosen: boolean, choose: (customer: Customer) => void}} props */
const Candidate = ({ customer, chosen, choose }) => html`<li class=${`candidate ${chosen ? 'is-chosen' : ''}`}>
  <span class="candidate-who"><strong>${customer.name}</strong> <${Tier} tier=${customer.tier} />
    <span class="muted">${[customer.company, word('status', customer.status)].filter(Boolean).join(' · ')}</span></span>
  <button class="button" aria-pressed=${chosen} onClick=${() => choose(customer)}>
    ${chosen ? html`<${Icon} name="check" />${t('candidates.chosen')}` : t('candidates.choose')}</button>
</li>`;

/** Find the customer by name where the number says nothing. @param {{choose: (customer: Customer) => void, linked: Customer | null}} props */
function FindCustomer({ choose, linked }) {
  const [text, setText] = useState('');
  const wanted = text.trim();
  const { data, error } = useLoad(wanted.length >= 2 ? withQuery('/customers', { q: wanted, limit: 5 }) : null);
  const found = /** @type {Customer[]} */ (data?.customers ?? []);
  const rows = linked && !found.some((one) => one.id === linked.id) ? [linked, ...found] : found;
  return html`<div class="find">
    <label class="search"><${Icon} name="search" /><span class="visually-hidden">${t('find.label')}</span>
      <input type="search" value=${text} placeholder=${t('find.placeholder')} onInput=${(/** @type {any} */ event) => setText(event.target.value)} /></label>
    ${error && html`<p class="hint">${error.message} ${error.cure}</p>`}
    ${data && !found.length && html`<p class="hint">${t('find.none', { q: wanted })}</p>`}
    <ul class="candidates">${rows.map((one) => html`<${Candidate} key=${one.id} customer=${one} chosen=${linked?.id === one.id} choose=${choose} />`)}</ul>
  </div>`;
}

/**
 * Where the number does not name one customer: the ranked candidates, or a search.
 * @param {{call: LiveCall, linked: Customer | null, choose: (customer: Customer) => void}} props
 */
export function WhoIsIt({ call, linked, choose }) {
  const match = call.pop?.match;
  if (!match || match === 'one' || match === 'late') return null;
  const candidates = call.pop?.candidates ?? [];
  return html`<section class="card" aria-label=${t(`whois.${match}`)}>
    <h2 class="card-title">${t(`whois.${match}`)}</h2>
    <p class="hint">${t(`whois.${match}_hint`)}</p>
    ${match === 'several' && html`<ul class="candidates">${candidates.map((one) => html`<${Candidate} key=${one.id} customer=${one} chosen=${linked?.id === one.id} choose=${choose} />`)}</ul>`}
    ${match !== 'several' && html`<${FindCustomer} choose=${choose} linked=${linked} />`}
  </section>`;
}

// @ts-check
import { useRef, useState } from 'preact/hooks';
import { withQuery } from '../api.js';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { usePages } from '../load.js';
import { CallPanel } from '../parts/callpanel.js';
import { Chip, Empty, Failure, Key, Select, Skeleton, Tier } from '../parts/bits.js';
import { RESULTS, TOPICS } from '../parts/outcome.js';
import { Sentinel } from '../parts/sentinel.js';
import { numberName } from '../parts/who.js';
import { address, go, route } from '../route.js';
import { agents, queues, view } from '../store.js';
import { t, word } from '../text.js';
import { length, when } from '../time.js';

/** @import { Found, Hit, Moment } from '../types/wire.d.ts' */

const TYPING = 300;
/** Lengths in seconds, as the server is asked for them. @type {Record<string, [string, string]>} */
const LENGTHS = { short: ['', '60'], middle: ['60', '300'], long: ['300', ''] };
const DAY = 86_400_000;

/** Filters live in the address, like those of the calls. @param {Record<string, string>} change */
const filter = (change) => go('recordings', route.value.id, { ...route.value.query, ...change }, { replace: true });

/** Midnight of a day as people here count it, in microseconds. @param {string | undefined} day @param {number} [later] milliseconds */
const midnight = (day, later = 0) => {
  const at = day ? new Date(`${day}T00:00`).getTime() : NaN;
  return Number.isNaN(at) ? '' : (at + later) * 1000;
};

/** What the address asks for, as the server takes it. @param {Record<string, string>} query */
function asked({ q = '', speaker, queue, agent, customer, topic, result, length: size, from, to }) {
  const [shortest, longest] = LENGTHS[size] ?? ['', ''];
  return { q: q.trim(), speaker, queue, agent, customer, topic, result, shortest, longest, since: midnight(from), until: midnight(to, DAY) };
}

/** @param {{down: () => void}} props */
function Filters({ down }) {
  const search = useRef(/** @type {HTMLInputElement | null} */ (null));
  const timer = useRef(0);
  const { q = '', customer = '', from = '', to = '', ...rest } = route.value.query;
  useKeys({ '/': () => search.current?.focus() });
  /** @param {string} name */
  const on = (name) => (/** @type {any} */ event) => filter({ [name]: event.target.value });
  /** @param {string} name */
  const typed = (name) => (/** @type {any} */ event) => {
    clearTimeout(timer.current ?? 0);
    timer.current = setTimeout(() => filter({ [name]: event.target.value }), TYPING);
  };
  /** @param {string} name @param {[string, string][]} options */
  const choice = (name, options) =>
    html`<${Select} quiet label=${t(`find.${name}`)} name=${name} value=${rest[name] ?? ''} onChange=${on(name)} options=${[['', t(`find.any_${name}`)], ...options]} />`;
  const queueNames = [...new Set([...Object.keys(queues.value), ...(view.value?.me.queues ?? [])])].sort();
  const people = Object.entries(agents.value).map(([id, row]) => /** @type {[string, string]} */ ([id, row.name || id]));
  return html`<form class="filters filters-wide" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <label class="search search-words"><${Icon} name="search" /><span class="visually-hidden">${t('find.words')}</span>
      <input type="search" ref=${search} defaultValue=${q} placeholder=${t('find.words')} onInput=${typed('q')}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'ArrowDown' && (event.preventDefault(), down())} /><${Key} keys="/" /></label>
    ${choice('speaker', [['customer', t('find.by_customer')], ['agent', t('find.by_agent')]])}
    ${choice('queue', queueNames.map((name) => [name, name]))}
    ${people.length > 0 && choice('agent', people)}
    <label class="search search-customer"><span class="visually-hidden">${t('find.customer')}</span>
      <input type="search" defaultValue=${customer} placeholder=${t('find.customer')} onInput=${typed('customer')} /></label>
    ${choice('topic', TOPICS.map((one) => [one, word('topic', one)]))}
    ${choice('result', RESULTS.map((one) => [one, word('result', one)]))}
    ${choice('length', Object.keys(LENGTHS).map((one) => [one, t(`find.length_${one}`)]))}
    <span class="find-days"><input type="date" aria-label=${t('find.from')} value=${from} max=${to} onChange=${on('from')} />–<input type="date" aria-label=${t('find.to')} value=${to} min=${from} onChange=${on('to')} /></span>
  </form>`;
}

/** @param {{found: Found, hit: Hit, open: boolean, play: (moment: Moment) => void}} props */
function Snippet({ found, hit, open, play }) {
  const { id: recording, call_id: callId } = found.recording;
  const at = String(Math.max(0, hit.start));
  const query = { ...route.value.query, rec: recording, at };
  /** @param {MouseEvent} event */
  const pressed = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go('recordings', callId, query, { replace: route.value.id === callId });
    play({ recording, at: hit.start, play: true });
  };
  const who = hit.speaker === 'agent' ? found.agent_name || t('speaker.agent') : found.customer?.name || t('speaker.customer');
  return html`<li><a class=${`hit line-${hit.speaker}`} href=${address('recordings', callId, query)} aria-current=${open ? 'true' : undefined} onClick=${pressed}>
    <span class="num hit-at"><${Icon} name="play" />${length(hit.start * 1e6)}</span><b>${who.split(' ')[0]}</b>
    <span class="hit-text">${hit.before && '… '}${hit.pieces.map((piece, i) => html`${i > 0 && ' '}${piece.hit ? html`<mark>${piece.text}</mark>` : piece.text}`)}${hit.after && ' …'}</span></a></li>`;
}

/** @param {{found: Found, play: (moment: Moment) => void}} props */
function Item({ found, play }) {
  const { recording, customer } = found;
  const { id, query } = route.value;
  const here = id === recording.call_id && query.rec === recording.id;
  const about = [word('topic', found.topic), word('result', found.result)].filter(Boolean).join(' → ');
  return html`<li class=${`found ${here ? 'is-open' : ''}`}>
    <p class="found-head"><strong>${customer?.name || numberName(found.number)}</strong> <${Tier} tier=${customer?.tier} />
      <span class="muted num">${[when(recording.started_at), found.agent_name, found.queue, length(recording.seconds * 1e6)].filter(Boolean).join(' · ')}</span>${about && html`<${Chip}>${about}<//>`}</p>
    <ul class="hits">${found.hits.map((hit) => html`<${Snippet} key=${hit.start} found=${found} hit=${hit} open=${here && query.at === String(hit.start)} play=${play} />`)}</ul>
    ${found.places > found.hits.length && html`<p class="hint">${t('find.more', { n: found.places - found.hits.length })}</p>`}
  </li>`;
}

/** Up and down from snippet to snippet; up from the first one is the search field. @param {KeyboardEvent} event */
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const all = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.hit')]);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (!step || at < 0) return;
  event.preventDefault();
  (all[at + step] ?? (step < 0 ? document.querySelector('.search-words input') : all[at])).focus();
}

/** The address says which moment is open; a press on a snippet plays it too. @param {Moment | null} pressed @returns {Moment | null} */
function moment(pressed) {
  const { rec, at } = route.value.query;
  if (!rec) return null;
  return pressed?.recording === rec && String(pressed.at) === at ? pressed : { recording: rec, at: Number(at) || 0, play: false };
}

/** Words that were said, in all recordings this person may hear; a snippet opens the call at its moment. */
export function RecordingsPage() {
  const { id, query } = route.value;
  const [pressed, setPressed] = useState(/** @type {Moment | null} */ (null));
  const wanted = asked(query);
  const found = /** @type {ReturnType<typeof usePages<Found>>} */ (usePages(wanted.q ? (before) => withQuery('/recordings', { ...wanted, before }) : null, JSON.stringify(wanted), 'found'));
  const narrowed = Object.entries(wanted).some(([name, value]) => name !== 'q' && value);
  const first = () => /** @type {HTMLElement | null} */ (document.querySelector('.hit'))?.focus();
  return html`<div class=${`page ${id ? 'has-panel' : ''}`}>
    <div class="page-head"><h1>${t('nav.recordings')}</h1></div>
    <${Filters} down=${first} />
    <div class="calls-layout">
      <section class="card found-card" aria-live="polite" aria-busy=${Boolean(wanted.q) && !found.ready}>
        ${!wanted.q && html`<${Empty} title=${t('find.ask')}>${t('find.ask_hint')}<//>`}
        ${found.error && html`<${Failure} error=${found.error} again=${found.reload} />`}
        ${wanted.q && !found.ready && html`<${Skeleton} rows=${6} />`}
        ${wanted.q && found.ready && !found.error && !found.rows.length && html`<${Empty} title=${t('find.none')}>${t(narrowed ? 'find.none_filtered' : 'find.none_hint')}<//>`}
        ${found.rows.length > 0 && html`<ol class="founds" onKeyDown=${walk}>${found.rows.map((row) => html`<${Item} key=${row.recording.id} found=${row} play=${setPressed} />`)}</ol>`}
        ${found.next !== null && html`<${Sentinel} reached=${found.more} />`}
      </section>
      ${id && html`<${CallPanel} key=${id} callId=${id} moment=${moment(pressed)} close=${() => go('recordings', '', { ...query, rec: '', at: '' })} />`}
    </div>
  </div>`;
}

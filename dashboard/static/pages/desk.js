// @ts-check
import { useEffect, useState } from 'preact/hooks';
import { draftOf, edit } from '../drafts.js';
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { CallCard } from '../parts/callcard.js';
import { Empty, Skeleton } from '../parts/bits.js';
import { Controls } from '../parts/controls.js';
import { Handed } from '../parts/handed.js';
import { Outcome } from '../parts/outcome.js';
import { LastContacts, WhoIsIt } from '../parts/pop.js';
import { Rail } from '../parts/rail.js';
import { Timeline } from '../parts/timeline.js';
import { WaitingList, lines } from '../parts/waiting.js';
import { call, queues, view } from '../store.js';
import { t } from '../text.js';

/** @import { Customer, LiveCall, LiveMe, View } from '../types/wire.d.ts' */

/**
 * The customer the agent said it is (one of the candidates, or one found), and how to say it.
 * @param {LiveCall | null} live @returns {[Customer | null, (customer: Customer) => void]}
 */
function useLinked(live) {
  const id = live ? draftOf(live).customer_id : null;
  const [chosen, setChosen] = useState(/** @type {Customer | null} */ (null));
  const known = [...(live?.pop?.candidates ?? []), ...(chosen ? [chosen] : [])].find((one) => one.id === id);
  const { data } = useLoad(id && !known ? `/customers/${id}` : null);
  /** @param {Customer} customer */
  const choose = (customer) => {
    setChosen(customer);
    if (live) edit(live, { customer_id: customer.id === id ? null : customer.id });
  };
  return [id ? (known ?? data?.customer ?? null) : null, choose];
}

/** @param {{mine: LiveMe}} props */
function Idle({ mine }) {
  const kind = mine.agent ? mine.availability : 'no_phone';
  return html`<section class="card idle"><${Empty} as="h1" title=${t(`idle.${kind}`)}>${t(`idle.${kind}_hint`)}<//></section>`;
}

function Queues() {
  const names = Object.keys(queues.value).sort();
  if (!names.length) return html`<section class="card"><${Empty} title=${t('queues.none')}>${t('queues.none_hint')}<//></section>`;
  return html`<div class="desk-queues">${lines(queues.value, names).map((line) => html`<${WaitingList} key=${line.key} name=${line.name} title=${t('waiting.of', { queue: line.name })} queue=${line.queue} mine=${call.value?.call_id} teach=${names.length === 1} />`)}</div>`;
}

const TALKING = ['talking', 'on_hold'];

/** @param {{live: LiveCall, linked: Customer | null, choose: (customer: Customer) => void}} props */
const Live = ({ live, linked, choose }) => html`
  <${CallCard} call=${live} linked=${linked} />
  <${Handed} call=${live} />
  ${TALKING.includes(live.phase) && html`<${Controls} key=${`hands-${live.call_id}`} call=${live} />`}
  <${WhoIsIt} key=${`who-${live.call_id}`} call=${live} linked=${linked} choose=${choose} />
  ${live.phase !== 'ringing' && html`<${Outcome} key=${live.call_id} call=${live} />`}
  ${live.phase !== 'ended' && html`<${LastContacts} call=${live} />`}`;

/** The agent's whole shift on one page: my state, the call, who waits, the customer's past. */
export function DeskPage() {
  const live = call.value;
  const [linked, choose] = useLinked(live);
  useFreshScroll(live?.call_id);
  if (!view.value) return html`<div class="desk"><aside class="rail"><${Skeleton} rows=${4} /></aside><div class="desk-centre"><div class="card"><${Skeleton} rows=${6} /></div></div></div>`;
  const mine = view.value.me;
  const pop = live?.pop;
  const customer = linked ?? (pop?.match === 'several' ? null : pop?.customer);
  const number = customer ? '' : pop?.number || live?.number;
  const again = `${live?.call_id ?? ''} ${live?.phase ?? ''} ${live?.recording?.state ?? ''}`;
  return html`<div class="desk">
    <${Rail} />
    <div class="desk-centre" id="desk-centre">
      ${live ? html`<${Live} live=${live} linked=${linked} choose=${choose} />` : html`<${Idle} mine=${mine} />`}
      <${Queues} />
    </div>
    <div class="desk-right">
      <${Timeline} customerId=${customer?.id} number=${number} agent=${mine.agent} again=${again} current=${live?.phase === 'ended' ? '' : live?.call_id} />
    </div>
  </div>`;
}

/** A new call is shown from its top, wherever the last one was scrolled to. @param {string | undefined} callId */
function useFreshScroll(callId) {
  useEffect(() => {
    if (callId) document.getElementById('desk-centre')?.scrollTo(0, 0);
  }, [callId]);
}

// @ts-check
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { t } from '../text.js';
import { Failure } from './bits.js';

/** @import { LadderRung, PlaceRow, Why } from '../types/wire.d.ts' */

const TOLD = ['QueueEntryScored', 'QueueEntryPlaced', 'QueueMoved', 'QueueMoveFailed', 'AgentOffered', 'QueueLeft'];

/** The moment at which the caller of a rung stood in the queue; 0: it tells of no place. @param {LadderRung | undefined} rung */
const moment = (rung) => (rung && rung.lane.startsWith('queue:') && TOLD.includes(rung.type) ? rung.at - Number(rung.type === 'QueueLeft') : 0);

/** @param {{row: PlaceRow, own?: boolean}} props */
const Row = ({ row, own }) => html`<li class=${own ? 'place-why-own' : ''}>${own ? html`<strong>${row.sentence}</strong>` : row.sentence}</li>`;

/** Why the caller stood where they stood at the chosen step of a wait, and who stood around them. @param {{callId: string, rung: LadderRung | undefined}} props */
export function WhyCard({ callId, rung }) {
  const at = moment(rung);
  const { data, error, reload } = useLoad(at ? `/calls/${encodeURIComponent(callId)}/place?at=${at}` : null);
  const why = /** @type {Why | null} */ (data);
  if (!at) return null;
  return html`<section class="card place-why" aria-live="polite"><h2 class="card-title">${t('why.title')}</h2>
    ${error && html`<${Failure} error=${error} again=${reload} />`}
    ${why && html`<ol class="place-why-line num" start=${why.place.rank - why.before.length}>
      ${why.before.map((row) => html`<${Row} key=${row.rank} row=${row} />`)}<${Row} row=${why.place} own />
      ${why.behind.map((row) => html`<${Row} key=${row.rank} row=${row} />`)}</ol>
      <p class="muted">${t('why.policy', { policy: why.place.policy })}${why.last_move && html` · ${t('why.moved', { sentence: why.last_move })}`}</p>`}
  </section>`;
}

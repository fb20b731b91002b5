// @ts-check
/** How a caller's claim grows with the time they wait: for showing; the server computes it exactly. */
import { t } from '../text.js';

/** @import { Term, Waiting } from '../types/wire.d.ts' */

const SECOND = 1_000_000;
const LATE = 0.8;
/** Seconds after which somebody sent to the end must be served, where the class has no ceiling. */
const END_CEILING = 3600;

/** Seconds that being late is worth. @param {Waiting} caller @param {number} at */
function urgent({ joined_at, urgency = 0, target = 0 }, at) {
  const late = (at - joined_at) / SECOND - LATE * target;
  return urgency && target && late > 0 ? (urgency * late * late) / (target * target) : 0;
}

/** @param {Waiting} caller @param {number} at */
export function mustBeServed({ placed, placed_at = 0, joined_at, ceiling = 0 }, at) {
  const seconds = placed === 'end' ? ceiling || END_CEILING : ceiling;
  return placed !== 'front' && seconds > 0 && at >= mustAt({ placed, placed_at, joined_at }, seconds);
}

/** @param {{placed?: string, placed_at: number, joined_at: number}} caller @param {number} seconds */
const mustAt = ({ placed, placed_at, joined_at }, seconds) => (placed === 'end' ? placed_at : joined_at) + seconds * SECOND;

/** Who a person moved to the front, who must be served, the others, those held for some agent, who was sent to the end. @param {Waiting} caller @param {number} at @returns {[number, number]} */
function claim(caller, at) {
  const { placed, placed_at = 0, ceiling = 0 } = caller;
  if (placed === 'front') return [0, -placed_at];
  if (mustBeServed(caller, at)) return [1, mustAt({ ...caller, placed_at }, (placed === 'end' && ceiling) || ceiling || END_CEILING)];
  if (placed === 'end') return [4, placed_at];
  return [caller.held ? 3 : 2, caller.virtual_join - urgent(caller, at) * SECOND];
}

/** Below 0: `x` is served before `y`. @param {Waiting} x @param {Waiting} y @param {number} at */
export function before(x, y, at) {
  const [bandX, x1] = claim(x, at);
  const [bandY, y1] = claim(y, at);
  return bandX - bandY || x1 - y1 || x.joined_at - y.joined_at;
}

/** What a place follows from, age apart. @param {Waiting} caller @param {number} at @returns {Term[]} */
export function termsAt(caller, at) {
  const terms = (caller.terms ?? []).filter((term) => term.seconds !== 0);
  const urgency = Math.floor(urgent(caller, at));
  if (urgency) terms.push({ label: t('term.target', { seconds: caller.target ?? 0 }), seconds: urgency });
  if (caller.held && !caller.placed && !mustBeServed(caller, at)) terms.unshift({ label: caller.held, seconds: 0 });
  if (mustBeServed(caller, at)) terms.unshift({ label: t('term.must'), seconds: 0 });
  return terms;
}

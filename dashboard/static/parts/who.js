// @ts-check
import { phone } from '../phone.js';
import { t } from '../text.js';

/** @import { CallRow, LiveCall, Waiting } from '../types/wire.d.ts' */

/** How the caller of a live call is called: a name, a number, or what we know instead. @param {LiveCall} call */
export function callerName(call) {
  const pop = call.pop;
  if (pop?.customer && pop.match !== 'several') return pop.customer.name;
  return numberName(pop?.number || call.number);
}

/** @param {Waiting} waiting */
export const waitingName = (waiting) => waiting.name || numberName(waiting.number);

/** @param {CallRow} row */
export const rowName = (row) => row.customer?.name || numberName(row.number);

/** Does it say why a caller stands where they stand? A class alone ("Standard") does not. @param {string | undefined} why */
export const explains = (why) => /\d/.test(why ?? '');

/** @param {string | undefined} number */
export const numberName = (number) => (number ? phone(number) : t('who.anonymous'));

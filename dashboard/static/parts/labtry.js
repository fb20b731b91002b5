// @ts-check
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../text.js';
import { Empty, Field, Select } from './bits.js';

/** @import { Lab, Trial } from '../types/wire.d.ts' */

const RECORDED = '';
/** Days played, busier by. */
const DAYS = ['5', '10', '20', '40'];
const BUSIER = ['0.8', '0.9', '1', '1.1', '1.25', '1.5'];

/** 2026-11-24, by this browser's clock. @param {number} micros */
const dateOf = (micros) => {
  const day = new Date(micros / 1000);
  return [day.getFullYear(), day.getMonth() + 1, day.getDate()].map((part) => String(part).padStart(2, '0')).join('-');
};

/** From midnight to midnight, in microseconds. @param {string} date */
function bounds(date) {
  const [year, month, day] = date.split('-').map(Number);
  return { begin: new Date(year, month - 1, day).getTime() * 1000, end: new Date(year, month - 1, day + 1).getTime() * 1000 };
}

/**
 * On which days a policy is tried, and how far that is.
 * @param {{lab: Lab, trial: Trial | null, ready: boolean, begin: (on: Record<string, unknown>) => void, cancel: () => void}} props
 */
export function LabTry({ lab, trial, ready, begin, cancel }) {
  const [load, setLoad] = useState(lab.loads[0]?.name ?? RECORDED);
  const running = trial?.state === 'running';
  const chosen = lab.loads.find((one) => one.name === load);
  /** @type {[string, string][]} */
  const options = lab.loads.map((one) => [one.name, t('lab.load', { name: one.name })]);
  if (lab.last_call) options.push([RECORDED, t('lab.recorded')]);

  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    const form = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))));
    const days = Math.min(Number(form.days), lab.most_days);
    begin(load ? { load, days, busier: Number(form.busier), agents: Number(form.agents) || 0 } : { ...bounds(form.date), days });
  }

  if (!options.length) return html`<section class="card"><${Empty} title=${t('lab.no_days')}>${lab.loads_reason || t('lab.no_days_hint')}<//></section>`;
  return html`<form class="card lab-try" onSubmit=${submit}>
    <${Select} label=${t('lab.on')} name="load" value=${load} options=${options} onChange=${(/** @type {any} */ event) => setLoad(event.target.value)} />
    ${chosen && html`<p class="hint lab-wide">${chosen.about ? `${chosen.about}. ` : ''}${t('lab.about', { callers: chosen.callers, agents: chosen.agents, hours: chosen.hours, occupancy: chosen.occupancy })}</p>
      <${Select} label=${t('lab.busier')} name="busier" value="1" options=${BUSIER.map((one) => [one, t('lab.times', { n: one })])} />
      <${Field} label=${t('lab.agents')} name="agents" type="number" min="0" max="2000" placeholder=${chosen.agents} />`}
    ${!chosen && html`<${Field} label=${t('lab.date')} name="date" type="date" required min=${dateOf(lab.first_call)} max=${dateOf(lab.last_call)} value=${dateOf(lab.last_call)} />`}
    <${Select} label=${t('lab.days')} name="days" value="10" options=${DAYS.filter((one) => Number(one) <= lab.most_days).map((one) => [one, one])} />
    <div class="lab-acts lab-wide">
      <button class="button button-primary" disabled=${running || !ready}>${t('lab.go')}</button>
      ${running && html`<progress max=${trial.of || 1} value=${trial.done} aria-label=${t('lab.progress')} /><button class="button" type="button" onClick=${cancel}>${t('lab.cancel')}</button>`}
      ${trial?.state === 'cancelled' && html`<span class="muted" role="status">${t('lab.cancelled')}</span>`}
    </div>
  </form>`;
}

// @ts-check
import { html, Icon } from '../html.js';
import { t, word } from '../text.js';
import { length } from '../time.js';
import { Chip } from './bits.js';

/** @import { Contender, Mean, Trial, TrialClass, TrialResult } from '../types/wire.d.ts' */

const SECOND = 1_000_000;
const [WIDE, HIGH] = [320, 132];
const ROWS = ['p50', 'p95', 'p99', 'longest'];

/** @param {number | null | undefined} seconds */
const clock = (seconds) => (seconds === null || seconds === undefined ? '–' : length(Math.round(seconds) * SECOND));
/** 84.0 % @param {Mean} mean */
const percent = ([mean]) => (mean === null ? '–' : `${mean.toFixed(1)} %`);
/** ± 1.2 @param {Mean} mean */
const spread = ([, half]) => (half === null ? '' : t('lab.spread', { n: half.toFixed(1) }));
/** Is it more than chance? @param {Mean} mean */
const sure = ([mean, half]) => mean !== null && half !== null && Math.abs(mean) > half;
/** @param {string} name */
const nameOf = (name) => word('contender', name);

/** By how much the edited policy differs, in a word. @param {{mean: Mean, unit: string, less?: boolean}} props */
function Change({ mean, unit, less }) {
  const [by] = mean;
  if (by === null) return null;
  if (!sure(mean)) return html`<${Chip} icon="ring" title=${spread(mean)}>${t('lab.same')}<//>`;
  const better = less ? by < 0 : by > 0;
  const shown = unit === 's' ? `${by > 0 ? '+' : '−'}${clock(Math.abs(by))}` : `${by > 0 ? '+' : '−'}${Math.abs(by).toFixed(1)}`;
  return html`<${Chip} kind=${better ? 'good' : 'warn'} icon=${better ? 'check' : 'triangle'} title=${spread(mean)}>${t(unit === 's' ? 'lab.longer' : 'lab.points', { n: shown })}<//>`;
}

/** In target, a bar for each contender with its interval; the figures stand beside. @param {{kind: string, contenders: Contender[]}} props */
function Bars({ kind, contenders }) {
  return html`<div class="lab-bars" role="list">${contenders.map((one) => {
    const mean = one.classes[kind].figures.in_target;
    const [value, half] = [mean[0] ?? 0, mean[1] ?? 0];
    const [low, high] = [Math.max(0, value - half), Math.min(100, value + half)];
    return html`<div key=${one.name} class="lab-bar" role="listitem">
      <span class="lab-name">${nameOf(one.name)}</span>
      <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        <rect class="lab-track" width="100" height="10" /><rect class=${`fill-${one.name}`} width=${value} height="10" />
        <path class="lab-whisker" d=${`M${low} 5H${high}M${low} 2V8M${high} 2V8`} vector-effect="non-scaling-stroke" /></svg>
      <span class="num lab-value">${percent(mean)} <span class="muted">${spread(mean)}</span></span></div>`;
  })}</div>`;
}

/** How many still wait after so many seconds. @param {{kind: string, result: TrialResult, target: number}} props */
function Curve({ kind, result, target }) {
  const seconds = result.curve_seconds;
  const last = seconds[seconds.length - 1] || 1;
  const most = Math.max(10, ...result.contenders.map((one) => one.classes[kind].longer[1] ?? 0));
  /** @param {number} at */
  const x = (at) => ((at / last) * WIDE).toFixed(1);
  /** @param {number} share */
  const y = (share) => (HIGH - Math.min(1, share / most) * (HIGH - 6)).toFixed(1);
  const shown = target < last;
  return html`<figure class="lab-curve"><figcaption class="muted">${t('lab.curve')}</figcaption>
    <svg viewBox=${`-34 -4 ${WIDE + 48} ${HIGH + 26}`} role="img" aria-label=${t('lab.curve_of', { kind })}>
      ${[0, most / 2, most].map((share) => html`<g key=${share}><path class="lab-rule" d=${`M0 ${y(share)}H${WIDE}`} /><text x="-6" y=${y(share)} class="lab-tick lab-tick-y">${Math.round(share)} %</text></g>`)}
      ${[0, last / 2, last].map((at) => html`<text key=${at} x=${x(at)} y=${HIGH + 16} class="lab-tick">${clock(at)}</text>`)}
      ${shown && html`<path class="lab-target" d=${`M${x(target)} 0V${HIGH}`} /><text x=${x(target)} y="4" dx="4" class="lab-tick lab-tick-target">${t('lab.target')}</text>`}
      ${[...result.contenders].reverse().map((one) => html`<path key=${one.name} class=${`lab-line line-${one.name}`} d=${one.classes[kind].longer.map((share, n) => (n ? `${n > 1 ? 'L' : 'M'}${x(seconds[n])} ${y(share)}` : '')).join('')} />`)}
    </svg></figure>`;
}

/** @param {{kind: TrialClass, result: TrialResult}} props */
function OfClass({ kind, result }) {
  const edited = result.contenders.find((one) => one.name === 'edited')?.classes[kind.name];
  const recorded = result.recorded[kind.name];
  return html`<section class="lab-class" aria-label=${kind.name}>
    <header class="lab-head"><h3>${kind.name}</h3><span class="muted">${t('lab.promise', { clock: clock(kind.target), callers: Math.round(result.contenders[0].classes[kind.name].figures.callers[0] ?? 0) })}</span>
      ${edited && html`<span class="lab-changes"><${Change} mean=${edited.against.in_target} unit="points" /><${Change} mean=${edited.against.longest} unit="s" less /></span>`}</header>
    <div class="lab-charts"><${Bars} kind=${kind.name} contenders=${result.contenders} /><${Curve} kind=${kind.name} result=${result} target=${kind.target} /></div>
    <div class="table-scroll" role="region" aria-label=${t('lab.figures_of', { kind: kind.name })} tabindex="0"><table class="table num lab-table"><thead><tr><th scope="col">${t('lab.contender')}</th><th scope="col" class="cell-right">${t('lab.in_target')}</th>${ROWS.map((row) => html`<th scope="col" class="cell-right">${t(`lab.${row}`)}</th>`)}<th scope="col" class="cell-right">${t('lab.abandoned')}</th></tr></thead>
      <tbody>${recorded && html`<tr class="is-off"><td>${t('lab.as_it_was')}</td><td class="cell-right">${percent([recorded.in_target, null])}</td>${ROWS.map((row) => html`<td class="cell-right">${clock(recorded[row])}</td>`)}<td class="cell-right">${percent([recorded.abandoned, null])}</td></tr>`}
        ${result.contenders.map((one) => { const f = one.classes[kind.name].figures; return html`<tr key=${one.name}><td><svg class="lab-key" viewBox="0 0 22 8" aria-hidden="true" focusable="false"><path class=${`lab-line line-${one.name}`} d="M1 4H21" /></svg> ${nameOf(one.name)}</td><td class="cell-right">${percent(f.in_target)}</td>${ROWS.map((row) => html`<td class="cell-right" title=${spread(f[row])}>${clock(f[row][0])}</td>`)}<td class="cell-right" title=${spread(f.abandoned)}>${percent(f.abandoned)}</td></tr>`; })}</tbody></table></div>
  </section>`;
}

/** What a trial found, class by class. @param {{trial: Trial, result: TrialResult}} props */
export function LabResult({ trial, result }) {
  const busy = result.contenders.map((one) => t('lab.busy', { name: nameOf(one.name), share: percent(one.occupancy) }));
  return html`<div class="stack">
    <header class="lab-head"><h2 class="card-title">${t('lab.result')}</h2><span class="muted">${t('lab.played', { callers: Math.round(result.callers), days: result.days, on: /^\d+-\d+$/.test(trial.on) ? t('lab.recorded') : trial.on })}</span></header>
    <p class="num">${t('lab.between', { title: trial.title, against: trial.against })}</p>
    <p class="hint"><${Icon} name="ring" /> ${t('lab.how')}</p>
    ${result.classes.map((kind) => html`<${OfClass} key=${kind.name} kind=${kind} result=${result} />`)}
    <p class="muted">${busy.join(' · ')}</p>
  </div>`;
}

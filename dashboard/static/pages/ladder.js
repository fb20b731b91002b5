// @ts-check
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { useKeys } from '../keys.js';
import { useLoad } from '../load.js';
import { Failure, Reconstructed, Skeleton } from '../parts/bits.js';
import { WhyCard } from '../parts/why.js';
import { readable } from '../phone.js';
import { address, route } from '../route.js';
import { me } from '../store.js';
import { locale, t, word } from '../text.js';

/** @import { Ladder, LadderBar, LadderLane, RawMessages } from '../types/wire.d.ts' */

const ROW = 34;
const LANE = 132;
const SECOND = 1_000_000;
/** Width of a bar and how far it stands beside the middle of its lane. @type {Record<string, [number, number]>} */
const SHAPES = { leg: [2, 0], menu: [14, 0], wait: [14, 0], offer: [14, 0], talk: [14, 0], hold: [8, 0], recording: [4, 14] };

const clockFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' });
/** 10:42:07.123 @param {number} micros */
const toMillisecond = (micros) => clockFormat.format(new Date(micros / 1000));
/** 12.345 s @param {number} micros */
const seconds = (micros) => t('ladder.seconds', { n: (micros / SECOND).toFixed(3) });
/** @param {LadderLane | undefined} lane */
const laneName = (lane) => (lane ? t(`ladder.${lane.kind}`, { name: lane.name }) : '');
/** @param {number} row */
const middle = (row) => row * ROW + ROW / 2;

/** Lanes, bars and arrows; the words stand beside, so a screen reader is told nothing here. @param {{ladder: Ladder}} props */
function Drawing({ ladder }) {
  const place = Object.fromEntries(ladder.lanes.map((lane, n) => [lane.id, n * LANE + LANE / 2]));
  const width = ladder.lanes.length * LANE;
  const height = ladder.rungs.length * ROW;
  /** @param {LadderBar} bar @param {number} n */
  const drawn = (bar, n) => {
    const [wide, beside] = SHAPES[bar.kind];
    const [top, bottom] = [middle(bar.first), bar.last === null ? height : middle(bar.last)];
    return html`<rect key=${n} class=${`bar bar-${bar.kind}`} x=${place[bar.lane] + beside - wide / 2} y=${top} width=${wide} height=${Math.max(6, bottom - top)} rx=${Math.min(wide / 2, 4)} />`;
  };
  return html`<svg class="ladder-drawing" width=${width} height=${height} viewBox=${`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
    ${ladder.lanes.map((lane) => html`<line key=${lane.id} class="lane-line" x1=${place[lane.id]} x2=${place[lane.id]} y1="0" y2=${height} />`)}
    ${[...ladder.bars].sort((a, b) => Object.keys(SHAPES).indexOf(a.kind) - Object.keys(SHAPES).indexOf(b.kind)).map(drawn)}
    ${ladder.rungs.map((rung, n) => {
      const [x, y, to] = [place[rung.lane], middle(n), place[rung.to]];
      const side = to > x ? -1 : 1;
      return html`<g key=${rung.seq} class="rung-mark">
        ${to !== undefined && html`<path class="rung-line" d=${`M${x} ${y}H${to}`} /><path class="rung-head" d=${`M${to} ${y}l${side * 7} -4v8z`} />`}
        <circle cx=${x} cy=${y} r="4" /></g>`;
    })}
  </svg>`;
}

/** @param {{ladder: Ladder, chosen: number, choose: (n: number) => void}} props */
function Rungs({ ladder, chosen, choose }) {
  const start = ladder.rungs[0]?.at ?? 0;
  const names = Object.fromEntries(ladder.lanes.map((lane) => [lane.id, laneName(lane)]));
  /** @param {number} step */
  const move = (step) => {
    const next = Math.min(ladder.rungs.length - 1, Math.max(0, chosen + step));
    choose(next);
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-rung="${next}"]`))?.focus();
  };
  useKeys({ ArrowDown: () => move(1), ArrowUp: () => move(-1), Home: () => move(-ladder.rungs.length), End: () => move(ladder.rungs.length) });
  return html`<div class="ladder-scroll" role="region" aria-label=${t('ladder.drawing')} tabindex="0"><div class="ladder">
    <div class="ladder-head"><span class="ladder-time">${t('ladder.time')}</span>
      <span class="ladder-lanes">${ladder.lanes.map((lane) => html`<span key=${lane.id} class="ladder-lane" title=${laneName(lane)}>${laneName(lane)}</span>`)}</span></div>
    <div class="ladder-body"><${Drawing} ladder=${ladder} />
      <ol>${ladder.rungs.map((rung, n) => html`<li key=${rung.seq}><button class="rung" data-rung=${n} aria-pressed=${chosen === n} onClick=${() => choose(n)}>
        <span class="ladder-time num"><span>${toMillisecond(rung.at)}</span><span class="muted">${seconds(rung.at - start)}</span></span>
        <span class="ladder-gap" style=${{ width: `${ladder.lanes.length * LANE}px` }}><span class="visually-hidden">${names[rung.lane]}</span></span>
        <span class="ladder-text" title=${readable(rung.text)}>${readable(rung.text)}${rung.reconstructed && html` <${Reconstructed} small />`}</span></button></li>`)}</ol>
    </div></div>
    <ul class="ladder-legend">${Object.keys(SHAPES).filter((kind) => ladder.bars.some((bar) => bar.kind === kind)).map((kind) => html`<li key=${kind}><svg width="14" height="14" aria-hidden="true" focusable="false"><rect class=${`bar-${kind}`} x=${7 - SHAPES[kind][0] / 2} y="1" width=${SHAPES[kind][0]} height="12" rx="2" /></svg>${word('bar', kind)}</li>`)}</ul>
  </div>`;
}

/** The same as text: every step, and everything that lasted. @param {{ladder: Ladder}} props */
function Tables({ ladder }) {
  const start = ladder.rungs[0]?.at ?? 0;
  const names = Object.fromEntries(ladder.lanes.map((lane) => [lane.id, laneName(lane)]));
  /** @param {string[]} keys */
  const heads = (keys) => html`<thead><tr>${keys.map((key) => html`<th scope="col">${t(`ladder.${key}`)}</th>`)}</tr></thead>`;
  return html`<div class="table-scroll" role="region" aria-label=${t('ladder.table')} tabindex="0">
    <table class="table num"><caption class="ladder-caption">${t('ladder.what')}</caption>${heads(['time', 'since', 'where', 'what'])}
      <tbody>${ladder.rungs.map((rung) => html`<tr key=${rung.seq}><td>${toMillisecond(rung.at)}</td><td>${seconds(rung.at - start)}</td><td>${rung.to ? t('ladder.reaches', { lane: names[rung.lane], to: names[rung.to] }) : names[rung.lane]}</td><td>${readable(rung.text)}${rung.reconstructed && html` <${Reconstructed} small />`}</td></tr>`)}</tbody></table>
    <table class="table num"><caption class="ladder-caption">${t('ladder.lasted')}</caption>${heads(['lasted', 'where', 'from', 'to', 'length', 'ended'])}
      <tbody>${ladder.bars.map((bar, n) => html`<tr key=${n}><td>${word('bar', bar.kind)}</td><td>${names[bar.lane]}</td><td>${toMillisecond(bar.began)}</td>
        <td>${bar.ended === null ? t('ladder.goes_on') : toMillisecond(bar.ended)}</td><td>${bar.ended === null ? '' : seconds(bar.ended - bar.began)}</td><td>${bar.end.replaceAll('_', ' ')}</td></tr>`)}</tbody></table>
  </div>`;
}

/** The AMI messages with the chosen step's time; nothing is asked before somebody wants them. @param {{callId: string, at: number | undefined}} props */
function Raw({ callId, at }) {
  const [wanted, setWanted] = useState(false);
  const { data, error, reload } = useLoad(wanted ? `/calls/${encodeURIComponent(callId)}/raw` : null);
  const raw = /** @type {RawMessages | null} */ (data);
  const behind = raw?.messages.filter((message) => message.at === at) ?? [];
  return html`<section class="card raw" aria-live="polite"><h2 class="card-title">${t('raw.title')}</h2>
    ${!wanted && html`<button class="button" onClick=${() => setWanted(true)}>${t('raw.show')}</button>`}
    ${error && html`<${Failure} error=${error} again=${reload} />`}
    ${raw?.hours === 0 && html`<p class="muted">${t('raw.off')}</p>`}
    ${raw?.hours !== 0 && at === undefined && html`<p class="muted">${t('raw.choose')}</p>`}
    ${raw && raw.hours > 0 && at !== undefined && !behind.length && html`<p class="muted">${t('raw.none')}</p>`}
    ${behind.map((message, n) => html`<pre key=${n} tabindex="0">${message.text}</pre>`)}
  </section>`;
}

/** One call from top to bottom: who took part side by side, every step with its time. */
export function LadderPage() {
  const { id } = route.value;
  const { data, error, reload } = useLoad(`/calls/${encodeURIComponent(id)}/ladder`);
  const ladder = /** @type {Ladder | null} */ (data);
  const [chosen, setChosen] = useState(-1);
  const [shape, setShape] = useState('drawing');
  return html`<div class="page">
    <div class="page-head"><div class="page-title"><h1>${t('ladder.title')}</h1><a class="accent" href=${address('calls', id)}>${t('ladder.back')}</a></div>
      <div class="tabs" role="group" aria-label=${t('ladder.show')}>${['drawing', 'table'].map((one) => html`<button class="tab" aria-pressed=${shape === one} onClick=${() => setShape(one)}>${t(`ladder.${one}`)}</button>`)}</div></div>
    <section class="card">
      ${error && html`<${Failure} error=${error} again=${reload} />`}
      ${!ladder && !error && html`<${Skeleton} rows=${8} />`}
      ${ladder && (shape === 'drawing' ? html`<${Rungs} ladder=${ladder} chosen=${chosen} choose=${setChosen} />` : html`<${Tables} ladder=${ladder} />`)}
    </section>
    ${ladder && html`<${WhyCard} callId=${id} rung=${ladder.rungs[chosen]} />`}
    ${me.value?.role === 'admin' && ladder && html`<${Raw} callId=${id} at=${ladder.rungs[chosen]?.at} />`}
  </div>`;
}

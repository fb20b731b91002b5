// @ts-check
import { effect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { t, word } from '../text.js';
import { length } from '../time.js';

/** @import { Playback } from '../playback.js' */
/** @import { RecordingRow, Segment, TranscriptDoc, Word } from '../types/wire.d.ts' */

const UNSURE = 0.6;

/** @param {{word: Word, first: boolean}} props */
function OneWord({ word, first }) {
  const unsure = (word.confidence ?? 1) < UNSURE;
  return html`<span class=${`word ${unsure ? 'is-unsure' : ''}`} role="button" tabindex=${first ? 0 : -1} data-start=${word.start} data-end=${word.end}
    title=${unsure ? t('transcript.unsure', { percent: Math.round((word.confidence ?? 0) * 100) }) : undefined}>${word.word}</span> `;
}

/** @param {{segment: Segment, name: string, first: boolean}} props */
function Line({ segment, name, first }) {
  const words = segment.words ?? [];
  return html`<li class=${`line line-${segment.speaker}`}>
    <span class="line-who"><span class="num">${length(segment.start * 1e6)}</span> <b>${name}</b></span>
    <p class="line-text">${words.length ? words.map((word, i) => html`<${OneWord} word=${word} first=${first && i === 0} />`) : segment.text}</p>
  </li>`;
}

/** Light the word that is being said. @param {HTMLElement | null} box @param {Playback} playback */
function followWords(box, playback) {
  const words = /** @type {HTMLElement[]} */ ([...(box?.querySelectorAll('.word') ?? [])]);
  const spans = words.map((word) => [Number(word.dataset.start), Number(word.dataset.end)]);
  /** @type {Set<HTMLElement>} */
  let lit = new Set();
  return effect(() => {
    const at = playback.position.value;
    const next = new Set(at > 0 ? words.filter((_, i) => spans[i][0] <= at && at < spans[i][1]) : []);
    for (const word of lit) if (!next.has(word)) word.classList.remove('is-lit');
    for (const word of next) {
      if (lit.has(word)) continue;
      word.classList.add('is-lit');
      keepInView(word, box);
    }
    lit = next;
  });
}

/** Scroll the transcript alone, never the page. @param {HTMLElement} word @param {HTMLElement | null} box */
function keepInView(word, box) {
  if (!box || box.scrollHeight <= box.clientHeight) return;
  const [inner, outer] = [word.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - outer.height / 2;
}

/** @param {Event} event @param {Playback} playback */
function playWord(event, playback) {
  const word = event.target instanceof Element && event.target.closest('.word');
  if (word instanceof HTMLElement) playback.play(Number(word.dataset.start));
  return Boolean(word);
}

/** @param {KeyboardEvent} event @param {Playback} playback */
function onKey(event, playback) {
  if (event.key === 'Enter' || event.key === ' ') {
    if (playWord(event, playback)) event.preventDefault();
    return;
  }
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const box = /** @type {HTMLElement} */ (event.currentTarget);
  const words = /** @type {HTMLElement[]} */ ([...box.querySelectorAll('.word')]);
  const at = words.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (!step || at < 0) return;
  event.preventDefault();
  words[at].tabIndex = -1;
  const next = words[Math.min(Math.max(0, at + step), words.length - 1)];
  next.tabIndex = 0;
  next.focus();
}

/**
 * What was said, in lines by speaker. A click on a word plays from there; the playing word is lit.
 * @param {{recording: RecordingRow, playback: Playback, customer?: string, agent?: string}} props
 */
export function Transcript({ recording, playback, customer, agent }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const ready = recording.transcript === 'ready';
  const { data, error } = useLoad(ready ? `/recordings/${encodeURIComponent(recording.id)}/transcript` : null);
  const doc = /** @type {TranscriptDoc | null} */ (data);
  useEffect(() => followWords(box.current, playback), [doc, playback]);
  if (error) return html`<p class="hint">${error.message} ${error.cure}</p>`;
  if (!ready) return html`<p class="hint">${word('transcript', recording.transcript)}</p>`;
  if (!doc) return html`<div class="transcript" aria-busy="true"></div>`;
  if (!doc.segments.length) return html`<p class="hint">${t('transcript.silent')}</p>`;
  const names = { agent: agent || t('speaker.agent'), customer: customer || t('speaker.customer') };
  return html`<ol class="transcript" ref=${box} aria-label=${t('transcript.label')} onClick=${(/** @type {Event} */ event) => playWord(event, playback)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => onKey(event, playback)}>
    ${doc.segments.map((segment, i) => html`<${Line} key=${i} segment=${segment} name=${names[segment.speaker].split(' ')[0]} first=${i === 0} />`)}
  </ol>`;
}

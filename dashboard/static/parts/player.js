// @ts-check
import { computed } from '@preact/signals';
import { useId, useMemo } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { useLoad } from '../load.js';
import { t } from '../text.js';
import { length, spoken } from '../time.js';
import { Chip, Key } from './bits.js';

/** @import { Playback } from '../playback.js' */
/** @import { Peaks } from '../types/wire.d.ts' */

const BARS = 160;
const STEP = 5;

/** The loudest peak of each of `bars` equal parts, 0..1. @param {number[]} peaks @param {number} bars */
export function thin(peaks, bars) {
  return Array.from({ length: bars }, (_, i) => {
    const from = Math.floor((i * peaks.length) / bars);
    const part = peaks.slice(from, Math.max(from + 1, Math.floor(((i + 1) * peaks.length) / bars)));
    return Math.max(0, ...part) / 255;
  });
}

/** One lane as an SVG path of upright bars. @param {number[]} bars 0..1 @param {1 | -1} side 1: upwards */
const lane = (bars, side) => bars.map((height, i) => `M${i + 0.5} ${50 - side} v${-side * Math.max(0.8, height * 46)}`).join('');

/** Agent above, customer below; what was heard is coloured. @param {{playback: Playback, peaks: Peaks}} props */
function Wave({ playback, peaks }) {
  const id = useId();
  const paths = useMemo(() => [lane(thin(peaks.agent, BARS), 1), lane(thin(peaks.customer, BARS), -1)], [peaks]);
  const heard = useMemo(() => computed(() => (playback.seconds ? (playback.position.value / playback.seconds) * BARS : 0)), [playback]);
  return html`<svg class="wave" viewBox=${`0 0 ${BARS} 100`} preserveAspectRatio="none" aria-hidden="true">
    <clipPath id=${`heard-${id}`}><rect x="0" y="0" width=${heard} height="100" /></clipPath>
    <path class="wave-rest" d=${paths[0]} /><path class="wave-rest" d=${paths[1]} />
    <g clip-path=${`url(#heard-${id})`}><path class="wave-agent" d=${paths[0]} /><path class="wave-customer" d=${paths[1]} /></g>
    <line class="wave-head" x1=${heard} x2=${heard} y1="0" y2="100" />
  </svg>`;
}

/** @param {{playback: Playback}} props */
function Times({ playback }) {
  return html`<span class="num player-time"><strong>${length(playback.position.value * 1e6)}</strong> / ${length(playback.seconds * 1e6)}</span>`;
}

/** A place on the wave to a place in the recording. @param {PointerEvent} event @param {Playback} playback */
function seekTo(event, playback) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  playback.seek(((event.clientX - box.left) / box.width) * playback.seconds);
}

/** @param {{playback: Playback, data: Peaks | null, error: import('../api.js').ApiError | null}} props */
function SeekBar({ playback, data, error }) {
  const at = Math.round(playback.position.value);
  return html`<div class="seek" role="slider" tabindex="0" aria-label=${t('player.position')} aria-valuemin="0" aria-valuemax=${Math.round(playback.seconds)}
      aria-valuenow=${at} aria-valuetext=${spoken(at * 1e6)}
      onPointerDown=${(/** @type {PointerEvent} */ event) => seekTo(event, playback)} onPointerMove=${(/** @type {PointerEvent} */ event) => event.buttons & 1 && seekTo(event, playback)}>
    <span class="lane lane-agent">${t('speaker.agent')}</span><span class="lane lane-customer">${t('speaker.customer')}</span>
    ${data ? html`<${Wave} playback=${playback} peaks=${data} />` : html`<div class="wave wave-none">${error?.message}</div>`}
  </div>`;
}

/** Play, seek by key or pointer, speed. @param {{playback: Playback, sha256?: string}} props */
export function Player({ playback, sha256 }) {
  const playing = playback.playing.value;
  const peaks = /** @type {ReturnType<typeof useLoad<Peaks>>} */ (useLoad(`/recordings/${encodeURIComponent(playback.id)}/peaks`));
  const custody = peaks.data?.custody ?? '';
  useKeys({
    ' ': () => playback.toggle(),
    ArrowLeft: () => playback.seek(playback.position.peek() - STEP), ArrowRight: () => playback.seek(playback.position.peek() + STEP),
    '<': () => playback.faster(-1), '>': () => playback.faster(),
  });
  return html`<div class="player" role="group" aria-label=${t('player.label')}>
    <${SeekBar} playback=${playback} data=${peaks.data} error=${peaks.error} />
    ${['changed', 'missing'].includes(custody) && html`<p class="failure" role="alert"><${Icon} name="diamond" /><span>${t(`custody.${custody}`)}</span></p>`}
    <div class="player-row">
      <button class="button button-dark player-play" onClick=${() => playback.toggle()}>
        <${Icon} name=${playing ? 'pause' : 'play'} /><span class="visually-hidden">${t(playing ? 'player.pause' : 'player.play')}</span><${Key} keys="Space" /></button>
      <${Times} playback=${playback} />
      <button class="button num player-rate" onClick=${() => playback.faster()} aria-label=${t('player.rate', { rate: playback.rate.value })}>${playback.rate.value}×</button>
      ${sha256 && custody === 'intact' && html`<${Chip} kind="good" icon="check" title=${sha256}>${t('custody.intact')}<//>`}
    </div>
    ${playback.error.value && html`<p class="hint" role="alert">${playback.error.value}</p>`}
  </div>`;
}

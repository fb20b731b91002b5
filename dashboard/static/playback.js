// @ts-check
import { signal } from '@preact/signals';
import { t } from './text.js';

export const RATES = [0.75, 1, 1.25, 1.5, 2];

/** The one that plays: a second one starting stops it. @type {Playback | null} */
let current = null;

/** One recording being heard: an <audio> element and what the page shows of it, as signals. */
export class Playback {
  playing = signal(false);
  /** Where we are, in seconds; moves with every frame while it plays. */
  position = signal(0);
  rate = signal(1);
  error = signal('');
  #frame = 0;

  /** @param {string} id of the recording @param {number} seconds its length */
  constructor(id, seconds) {
    this.id = id;
    this.seconds = seconds;
    this.audio = new Audio();
    this.audio.preload = 'none';
    this.audio.src = `/api/recordings/${encodeURIComponent(id)}/audio`;
    this.audio.onplay = () => this.#started();
    this.audio.onpause = () => this.#paused();
    this.audio.onended = () => this.#paused();
    this.audio.onseeked = () => this.#follow();
    this.audio.onerror = () => (this.error.value = t('player.error'));
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  /** @param {number} [from] seconds */
  play(from) {
    if (from !== undefined) this.seek(from);
    this.error.value = '';
    this.audio.playbackRate = this.rate.value;
    // A refused play() is told by onerror, or was a pause that came at once: nothing to do here.
    this.audio.play().catch(() => {});
  }

  /** @param {number} seconds */
  seek(seconds) {
    const to = Math.min(Math.max(0, seconds), this.seconds);
    this.position.value = to;
    this.audio.currentTime = to;
  }

  /** @param {number} step places in the list of speeds, round at its end */
  faster(step = 1) {
    const at = RATES.indexOf(this.rate.value);
    this.rate.value = RATES[(at + step + RATES.length) % RATES.length];
    this.audio.playbackRate = this.rate.value;
  }

  /** Silence, and let go of the file. */
  stop() {
    this.audio.pause();
    this.audio.removeAttribute('src');
    this.audio.onerror = null;
    this.audio.load();
    if (current === this) current = null;
  }

  #started() {
    if (current && current !== this) current.audio.pause();
    current = this;
    this.playing.value = true;
    const move = () => {
      this.#follow();
      this.#frame = requestAnimationFrame(move);
    };
    move();
  }

  #paused() {
    cancelAnimationFrame(this.#frame);
    this.playing.value = false;
    this.#follow();
  }

  #follow() {
    this.position.value = this.audio.currentTime;
  }
}

// @ts-check
import { get } from './api.js';

/** @import { Frame } from './types/wire.d.ts' */

const FIRST_WAIT = 400;
const LONGEST_WAIT = 10_000;
const PING_EVERY = 5_000;
const SILENCE = 12_000;
const SESSION_ENDED = 4401;

/**
 * The websocket with its life: jittered back-off, a ping that notices a half-open link, and the
 * difference between "gone" and "logged out". It knows nothing of what the frames mean.
 */
export class Socket {
  /** Round trip of the last ping in milliseconds (0: none yet). */
  trip = 0;
  /** @type {WebSocket | null} */ #ws = null;
  #tries = 0;
  #retry = 0;
  #beat = 0;
  #pinged = 0;
  #ponged = false;
  #last = 0;

  /** @param {{frame: (frame: Frame) => void, down: () => void, ended: () => void}} on */
  constructor(on) {
    this.on = on;
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => document.hidden || this.#hurry());
  }

  open() {
    if (this.#ws) return;
    clearTimeout(this.#retry);
    const ws = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
    this.#ws = ws;
    ws.onopen = () => this.#opened();
    ws.onmessage = (message) => this.#heard(JSON.parse(message.data));
    ws.onclose = (event) => this.#closed(ws, event.code);
  }

  close() {
    clearTimeout(this.#retry);
    clearInterval(this.#beat);
    const ws = this.#ws;
    this.#ws = null;
    ws?.close();
  }

  /** @param {object} message */
  send(message) {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(message));
  }

  #opened() {
    this.#ponged = false;
    this.#last = performance.now();
    this.#beat = setInterval(() => this.#ping(), PING_EVERY);
    this.#ping();
  }

  #ping() {
    if (this.#ponged && performance.now() - this.#last > SILENCE) return this.#drop();
    this.#pinged = performance.now();
    this.send({ type: 'ping' });
  }

  /** The link is open by name only: do not wait for the system to notice. */
  #drop() {
    const ws = this.#ws;
    ws?.close();
    if (ws) this.#closed(ws, 1006);
  }

  /** @param {Frame} frame */
  #heard(frame) {
    this.#last = performance.now();
    if (frame.type === 'snapshot') this.#tries = 0;
    if (frame.type === 'pong') {
      this.#ponged = true;
      this.trip = this.#last - this.#pinged;
    }
    this.on.frame(frame);
  }

  /** @param {WebSocket} ws @param {number} code */
  #closed(ws, code) {
    if (ws !== this.#ws) return;
    this.#ws = null;
    clearInterval(this.#beat);
    if (code === SESSION_ENDED) return this.on.ended();
    this.on.down();
    // A refused upgrade does not tell the browser why: /me does, and a 401 there logs us out.
    if (this.#tries > 0) get('/me').catch(() => {});
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries++);
    this.#retry = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
  }

  #hurry() {
    if (this.#tries > 0 && !this.#ws) this.open();
  }
}

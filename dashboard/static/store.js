// @ts-check
import { batch, computed, signal } from '@preact/signals';
import { get } from './api.js';
import { keepFor } from './drafts.js';
import { merge } from './merge.js';
import { Socket } from './socket.js';
import { learnClock, serverNow } from './time.js';

/** @import { Frame, Me, View } from './types/wire.d.ts' */

/** Who is logged in: undefined while asking, null when nobody. */
export const me = signal(/** @type {Me | null | undefined} */ (undefined));
/** The live picture the server sends; null until the first snapshot. */
export const view = signal(/** @type {View | null} */ (null));
/** The socket: is it up, when the last word came (server clock), the last round trip in ms. */
export const link = signal({ up: false, heard: 0, trip: 0 });

export const call = computed(() => view.value?.call ?? null);
export const agents = computed(() => view.value?.agents ?? {});
export const queues = computed(() => view.value?.queues ?? {});

/** The switches (PBXs) that Ringdesk sees, by name. */
export const links = computed(() => view.value?.links ?? {});
/** The names of those it has lost. */
export const lost = computed(() => Object.keys(links.value).filter((name) => !links.value[name].up));

/** Is all that is on the screen old? '' when some of it is live, else which link is down. */
export const stale = computed(() => {
  if (!view.value) return '';
  if (!link.value.up) return 'socket';
  return lost.value.length < Object.keys(links.value).length ? '' : 'switch';
});

/** Is my own phone on a switch that is lost? The first switch is not named in an agent's name. */
export const myPhoneLost = computed(() => {
  const agent = view.value?.me.agent ?? '';
  const mine = agent.includes(':') ? agent.split(':')[0] : Object.keys(links.value).find((name) => links.value[name].first) ?? '';
  return Boolean(agent) && lost.value.includes(mine);
});

let seq = 0;
let asked = false;
const socket = new Socket({ frame: receive, down: wentDown, ended: signedOut });

/**
 * Fold one frame into the view. A delta that does not follow the frame we hold is not applied:
 * a fresh snapshot is asked for instead.
 * @param {Frame} frame
 */
export function receive(frame) {
  batch(() => {
    heard(frame.at, frame.type === 'snapshot');
    if (frame.type === 'snapshot') {
      seq = frame.seq;
      asked = false;
      view.value = frame.view;
    } else if (frame.type === 'delta' && view.value && frame.prev === seq) {
      seq = frame.seq;
      view.value = merge(view.value, frame.patch);
    } else if (frame.type === 'delta') resync();
  });
}

function resync() {
  if (asked) return;
  asked = true;
  socket.send({ type: 'resync' });
}

/** Live again only with the fresh snapshot: until then the screen is the old picture. @param {number} at @param {boolean} afresh */
function heard(at, afresh) {
  learnClock(at, afresh);
  link.value = { ...link.value, heard: at, trip: socket.trip, up: link.value.up || afresh };
}

function wentDown() {
  asked = false;
  link.value = { ...link.value, up: false, heard: link.value.heard || serverNow() };
}

/** Ask who we are; connect when somebody is logged in. */
export async function begin() {
  try {
    signedIn((await get('/me')).user);
  } catch {
    if (me.value === undefined) me.value = null;
  }
}

/** @param {Me} user */
export function signedIn(user) {
  keepFor(user.username);
  me.value = user;
  socket.open();
}

/** The session is over. Unsaved drafts stay in the tab for the same person's next log-in. */
export function signedOut() {
  socket.close();
  batch(() => {
    view.value = null;
    link.value = { up: false, heard: 0, trip: 0 };
    me.value = null;
  });
}

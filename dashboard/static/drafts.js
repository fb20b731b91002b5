// @ts-check
import { signal } from '@preact/signals';
import { ApiError, request } from './api.js';

/** @import { Disposition, LiveCall } from './types/wire.d.ts' */
/**
 * What an agent has written about one call, and how safe it is.
 * @typedef {{note: string, topic: string, result: string, customer_id: number | null,
 *   state: 'empty' | 'dirty' | 'saving' | 'saved' | 'failed', savedAt: number, error: ApiError | null}} Draft
 */

const PAUSE = 1_200;
const RETRY = 5_000;
const KEY = 'ringdesk.draft.';
const OWNER = 'ringdesk.drafts_of';

/**
 * Drafts by call_id. They live outside of the page's parts, so that writing about the last call is
 * still saved when the next one has taken the screen; the tab keeps them over a reload.
 */
export const drafts = signal(/** @type {Record<string, Draft>} */ ({}));

/** @type {Map<string, number>} */ const timers = new Map();
/** @type {Map<string, Promise<boolean>>} */ const running = new Map();

/** The draft of a call; where there is none yet, what the server has. @param {LiveCall} call @returns {Draft} */
export function draftOf(call) {
  return drafts.value[call.call_id] ?? fromServer(call.disposition);
}

/** @param {Disposition | null | undefined} saved @returns {Draft} */
function fromServer(saved) {
  const { note = '', topic = '', result = '', customer_id = null, saved_at = 0 } = saved ?? {};
  return { note, topic, result, customer_id, state: saved ? 'saved' : 'empty', savedAt: saved_at, error: null };
}

/** Drafts in the tab's storage, by its keys. */
const keptKeys = () => Object.keys(sessionStorage).filter((key) => key.startsWith(KEY));

/**
 * Somebody logged in: what they had not saved before a reload or before their session ended is
 * taken up and saved; what another person left in this tab is forgotten.
 * @param {string} username
 */
export function keepFor(username) {
  if (sessionStorage.getItem(OWNER) !== username) forget();
  sessionStorage.setItem(OWNER, username);
  for (const key of keptKeys()) {
    const callId = key.slice(KEY.length);
    put(callId, { ...fromServer(null), ...JSON.parse(sessionStorage.getItem(key) ?? '{}'), state: 'dirty' });
    void save(callId);
  }
}

/** Leave nothing of a person in this tab. */
export function forget() {
  timers.forEach((timer) => clearTimeout(timer));
  keptKeys().forEach((key) => sessionStorage.removeItem(key));
  drafts.value = {};
}

/** Save whatever is not saved; for a moment before logging out. */
export const saveAll = () => Promise.all(Object.keys(drafts.value).map(save));

/** @param {string} callId @param {Draft} draft */
function put(callId, draft) {
  drafts.value = { ...drafts.value, [callId]: draft };
  if (draft.state === 'saved') sessionStorage.removeItem(KEY + callId);
  else {
    const { note, topic, result, customer_id } = draft;
    sessionStorage.setItem(KEY + callId, JSON.stringify({ note, topic, result, customer_id }));
  }
}

/** Change a draft; it saves itself after a pause. @param {LiveCall} call @param {Partial<Draft>} change */
export function edit(call, change) {
  put(call.call_id, { ...draftOf(call), ...change, state: 'dirty', error: null });
  saveIn(call.call_id, PAUSE);
}

/** @param {string} callId @param {number} pause milliseconds */
function saveIn(callId, pause) {
  clearTimeout(timers.get(callId));
  timers.set(callId, setTimeout(() => save(callId), pause));
}

/**
 * Save now. True when the server has it on disk, whatever was typed meanwhile included.
 * @param {string} callId @returns {Promise<boolean>}
 */
export async function save(callId) {
  clearTimeout(timers.get(callId));
  await running.get(callId);
  const draft = drafts.value[callId];
  if (!draft || draft.state === 'saved') return true;
  const attempt = send(callId, draft).finally(() => running.delete(callId));
  running.set(callId, attempt);
  return attempt;
}

/** @param {string} callId @param {Draft} draft */
async function send(callId, draft) {
  const { note, topic, result, customer_id } = draft;
  const sent = { ...draft, state: /** @type {const} */ ('saving') };
  put(callId, sent);
  try {
    const { saved_at } = await request('PUT', `/calls/${encodeURIComponent(callId)}/disposition`, { note, topic, result, customer_id });
    if (drafts.value[callId] === sent) put(callId, { ...sent, state: 'saved', savedAt: saved_at });
    return true;
  } catch (error) {
    failed(callId, sent, /** @type {ApiError} */ (error));
    return false;
  }
}

/** Keep it, say so, and try again where trying can help. @param {string} callId @param {Draft} sent @param {ApiError} error */
function failed(callId, sent, error) {
  if (drafts.value[callId] !== sent) return;
  put(callId, { ...sent, state: 'failed', error });
  if (error.status === 0 || error.status >= 500) saveIn(callId, RETRY);
}

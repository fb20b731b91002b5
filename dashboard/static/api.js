// @ts-check
import { t } from './text.js';

/** What went wrong and what to do about it, in the server's words. `status` 0: no answer came. */
export class ApiError extends Error {
  /** @param {number} status @param {{code?: string, message?: string, cure?: string}} error @param {number} [retryAfter] seconds */
  constructor(status, error, retryAfter = 0) {
    super(error.message || t('error.unknown', { status }));
    this.status = status;
    this.code = error.code ?? '';
    this.cure = error.cure ?? '';
    this.retryAfter = retryAfter;
  }
}

/** Called when the server no longer knows this session. @type {{signedOut: () => void}} */
export const hooks = { signedOut: () => {} };

const PATIENCE = 15_000;

/** @param {string} method @param {string} path @param {unknown} [body] @param {AbortSignal} [stop] */
async function send(method, path, body, stop) {
  const signal = stop ? AbortSignal.any([stop, AbortSignal.timeout(PATIENCE)]) : AbortSignal.timeout(PATIENCE);
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-Ringdesk'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  try {
    return await fetch(`/api${path}`, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (stop?.aborted) throw error;
    throw new ApiError(0, { code: 'unreachable', message: t('error.unreachable'), cure: t('error.unreachable_cure') });
  }
}

/**
 * One request to the server. Raises {@link ApiError}; an aborted one raises the abort.
 * @param {string} method @param {string} path below /api @param {unknown} [body] @param {AbortSignal} [stop]
 * @returns {Promise<any>} the JSON answer, or null when there is none
 */
export async function request(method, path, body, stop) {
  const response = await send(method, path, body, stop);
  const answer = await response.json().catch(() => null);
  stop?.throwIfAborted();
  if (response.ok) return answer;
  if (response.status === 401 && path !== '/login') hooks.signedOut();
  throw new ApiError(response.status, answer?.error ?? {}, Number(response.headers.get('Retry-After')) || 0);
}

/** @param {string} path @param {AbortSignal} [stop] */
export const get = (path, stop) => request('GET', path, undefined, stop);

/** A path with its query; empty values are left out. @param {string} path @param {Record<string, string | number | null | undefined>} query */
export function withQuery(path, query) {
  const pairs = Object.entries(query).filter(([, v]) => v !== '' && v !== null && v !== undefined);
  const text = new URLSearchParams(pairs.map(([k, v]) => [k, String(v)])).toString();
  return text ? `${path}?${text}` : path;
}

/** Which request this is: the server carries one with the same id out once. */
export const requestId = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

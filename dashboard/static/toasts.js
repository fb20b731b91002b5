// @ts-check
import { signal } from '@preact/signals';
import { ApiError } from './api.js';
import { t } from './text.js';

/** @typedef {{id: number, kind: 'done' | 'bad', text: string, cure?: string, act?: {label: string, run: () => void}}} Toast */

export const toasts = signal(/** @type {Toast[]} */ ([]));
let last = 0;

const STAYS = 5_000;
const STAYS_WITH_UNDO = 10_000;

/** Say what an action came to. What went well leaves by itself; what failed stays to be read.
 * @param {Omit<Toast, 'id'>} toast */
export function say(toast) {
  const id = ++last;
  toasts.value = [...toasts.value.slice(-3), { ...toast, id }];
  if (toast.kind === 'done') setTimeout(() => dismiss(id), toast.act ? STAYS_WITH_UNDO : STAYS);
}

/** @param {number} id */
export const dismiss = (id) => void (toasts.value = toasts.value.filter((toast) => toast.id !== id));

/**
 * Do something and report its failure with the cure. Undefined when it failed.
 * @template T @param {Promise<T>} work @param {string} [done] said when it worked @returns {Promise<T | undefined>}
 */
export async function report(work, done) {
  try {
    const result = await work;
    if (done) say({ kind: 'done', text: done });
    return result;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) say({ kind: 'bad', text: error.message, cure: error.cure || t('error.again') });
    return undefined;
  }
}

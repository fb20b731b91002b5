// @ts-check
import { signal } from '@preact/signals';
import { locale, t } from './text.js';

const SECOND = 1_000_000;

/** The server's clock in microseconds, moved once a second; every running timer reads it. */
export const now = signal(Date.now() * 1000);

let offset = 0;
let known = false;

/** Microseconds since the epoch by the server's clock, this instant. */
export const serverNow = () => Date.now() * 1000 + offset;

/**
 * Learn the server's clock from a frame. The frame that was least late tells it best; a snapshot
 * starts afresh, so that a clock set right is believed.
 * @param {number} at @param {boolean} [afresh]
 */
export function learnClock(at, afresh = false) {
  const seen = at - Date.now() * 1000;
  offset = afresh || !known ? seen : Math.max(offset, seen);
  known = true;
  now.value = serverNow();
}

function tick() {
  now.value = serverNow();
  setTimeout(tick, 1000 - (Math.floor(serverNow() / 1000) % 1000) + 5);
}
tick();

/** A duration as 0:07, 12:40, 1:02:03. @param {number | null | undefined} micros */
export function length(micros) {
  const total = Math.max(0, Math.floor((micros ?? 0) / SECOND));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const tail = String(s).padStart(2, '0');
  return h ? `${h}:${String(m).padStart(2, '0')}:${tail}` : `${m}:${tail}`;
}

/** A duration in words, for sentences and screen readers. @param {number} micros */
export function spoken(micros) {
  const total = Math.max(0, Math.floor(micros / SECOND));
  if (total < 60) return t('time.seconds', { n: total });
  const minutes = Math.floor(total / 60);
  return total % 60 ? t('time.minutes_seconds', { m: minutes, s: total % 60 }) : t('time.minutes', { n: minutes });
}

const clockFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const exactFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const dayFormat = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const yearFormat = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });

/** @param {number} micros */ const date = (micros) => new Date(micros / 1000);
/** 10:42 @param {number} micros */ export const clock = (micros) => clockFormat.format(date(micros));
/** 10:42:07 @param {number} micros */ export const exact = (micros) => exactFormat.format(date(micros));

/** "today 10:42", "yesterday 17:20", "6 Nov 12:08", "6 Nov 2024". @param {number} micros */
export function when(micros) {
  const then = date(micros);
  const today = date(serverNow());
  const midnight = new Date(today.getFullYear(), today.getMonth(), today.getDate()).getTime();
  const days = Math.ceil((midnight - then.getTime()) / 86_400_000);
  if (days <= 0) return t('time.today', { clock: clock(micros) });
  if (days === 1) return t('time.yesterday', { clock: clock(micros) });
  if (then.getFullYear() === today.getFullYear()) return `${dayFormat.format(then)} ${clock(micros)}`;
  return yearFormat.format(then);
}

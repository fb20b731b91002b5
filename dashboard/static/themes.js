// @ts-check
import { signal } from '@preact/signals';

/** @typedef {'auto' | 'light' | 'dark'} Theme */
const ORDER = /** @type {Theme[]} */ (['auto', 'light', 'dark']);
const KEY = 'ringdesk.theme';

/** The theme this person chose on this machine; "auto" follows the system. */
export const theme = signal(ORDER.find((name) => name === localStorage.getItem(KEY)) ?? 'auto');

export function cycleTheme() {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length];
  const root = document.documentElement;
  if (theme.value === 'auto') {
    localStorage.removeItem(KEY);
    delete root.dataset.theme;
  } else {
    localStorage.setItem(KEY, theme.value);
    root.dataset.theme = theme.value;
  }
}

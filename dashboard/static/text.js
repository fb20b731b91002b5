// @ts-check
import { en } from './texts/en.js';

/** The catalogue's language, for plurals and ordinals. */
const language = 'en';

/** How dates are written: the reader's own way, where it is a way of writing this language. */
export const locale = navigator.language.startsWith(language) ? navigator.language : `${language}-GB`;
const plural = new Intl.PluralRules(language);
const ordinal = new Intl.PluralRules(language, { type: 'ordinal' });

/** @type {Record<string, string | Record<string, string>>} */
const texts = en;

/**
 * The text of `key`, with {names} filled in; a text with plural forms is chosen by `n`.
 * @param {string} key @param {Record<string, string | number>} [values] @returns {string}
 */
export function t(key, values = {}) {
  const entry = texts[key];
  if (entry === undefined) throw new Error(`no text "${key}" in texts/${language}.js (cure: add it)`);
  const text = typeof entry === 'string' ? entry : (entry[plural.select(Number(values.n))] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/**
 * The text of `prefix.value`, or the value itself where the server knows a word this page does not.
 * @param {string} prefix @param {string | undefined | null} value
 */
export function word(prefix, value) {
  if (!value) return '';
  const key = `${prefix}.${value}`;
  return Object.hasOwn(texts, key) ? t(key) : value.replaceAll('_', ' ');
}

/** "1st", "2nd"... @param {number} n */
export const nth = (n) => {
  const forms = /** @type {Record<string, string>} */ (texts.ordinal);
  return (forms[ordinal.select(n)] ?? forms.other).replace('{n}', String(n));
};

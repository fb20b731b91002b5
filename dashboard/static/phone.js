// @ts-check
/** Country code -> how the digits after it are grouped; the first pattern that fits wins. */
const GROUPS = /** @type {[string, RegExp, number[]][]} */ ([
  ['44', /^20\d{8}$/, [2, 4, 4]],
  ['44', /^\d{10}$/, [4, 6]],
  ['1', /^\d{10}$/, [3, 3, 4]],
  ['7', /^\d{10}$/, [3, 3, 2, 2]],
  ['359', /^\d{8,9}$/, [2, 3, 2, 2]],
]);
const TWO_DIGITS = /^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** @param {string} digits @param {number[]} sizes */
function cut(digits, sizes) {
  const parts = [];
  let at = 0;
  for (const size of sizes) if (at < digits.length) parts.push(digits.slice(at, (at += size)));
  if (at < digits.length) parts.push(digits.slice(at));
  return parts.join(' ');
}

/**
 * An E.164 number in groups a person can read aloud: "+44 7700 900147". Anything else (an internal
 * extension, a name) stays as it is.
 * @param {string | undefined | null} number
 */
export function phone(number) {
  if (!number || !/^\+\d{7,15}$/.test(number)) return number ?? '';
  const digits = number.slice(1);
  for (const [code, fits, sizes] of GROUPS) {
    const rest = digits.slice(code.length);
    if (digits.startsWith(code) && fits.test(rest)) return `+${code} ${cut(rest, sizes)}`;
  }
  const code = /^[17]/.test(digits) ? 1 : TWO_DIGITS.test(digits) ? 2 : 3;
  return `+${digits.slice(0, code)} ${cut(digits.slice(code), [3, 3, 3, 3, 3])}`;
}

const NUMBER = /\+\d{7,15}/g;

/** A sentence with its numbers in groups. @param {string} text */
export const readable = (text) => text.replace(NUMBER, phone);

/** The extension in an agent's name, and the switch if it says one: "101", "101 · west". @param {string | undefined} agent */
export function extension(agent) {
  const name = agent ?? '';
  const number = name.split('/').pop() ?? '';
  return name.includes(':') ? `${number} · ${name.split(':')[0]}` : number;
}

/** The letters of an avatar. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((w) => [...w][0]?.toLocaleUpperCase() ?? '').join('') || '?';
}

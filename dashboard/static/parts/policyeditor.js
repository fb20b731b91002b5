// @ts-check
import { useEffect, useId, useState } from 'preact/hooks';
import { request } from '../api.js';
import { html, Icon } from '../html.js';
import { t } from '../text.js';

/** @import { Child } from 'preact' */
/** @import { PolicyProblem } from '../types/wire.d.ts' */

const TYPING = 400;

/**
 * A policy as text, checked while it is written: each problem with its line.
 * @param {{text: string, changed: boolean, write: (text: string | null) => void, judge: (valid: boolean) => void, children?: Child}} props
 */
export function PolicyEditor({ text, changed, write, judge, children }) {
  const id = useId();
  const [problems, setProblems] = useState(/** @type {PolicyProblem[]} */ ([]));
  const [title, setTitle] = useState('');
  useEffect(() => {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      request('POST', '/lab/check', { text }, stop.signal).then((found) => {
        setProblems(found.problems);
        setTitle(found.title);
        judge(!found.problems.length);
      }, () => {});
    }, TYPING);
    return () => (clearTimeout(timer), stop.abort());
  }, [text]);
  /** @param {number} line */
  const jump = (line) => {
    const area = /** @type {HTMLTextAreaElement} */ (document.getElementById(id));
    const before = text.split('\n').slice(0, line - 1).join('\n').length;
    area.focus();
    area.setSelectionRange(before + (line > 1 ? 1 : 0), before + (text.split('\n')[line - 1]?.length ?? 0) + (line > 1 ? 1 : 0));
  };
  return html`<section class="card stack">
    <div class="lab-head"><label for=${id} class="card-title">${t('lab.policy')}</label><span class="muted num">${changed ? title || t('lab.draft') : ''}</span></div>
    <textarea id=${id} class="policy-text" spellcheck=${false} autocapitalize="none" rows="18" wrap="off" value=${text} aria-describedby=${`${id}-problems`} aria-invalid=${problems.length > 0}
      onInput=${(/** @type {any} */ event) => write(event.target.value)} />
    <ul id=${`${id}-problems`} class="policy-problems" aria-live="polite">${problems.map((one) => html`<li key=${one.line + one.key}><button class="link" onClick=${() => jump(one.line)}>${t('lab.line', { n: one.line })}</button>
      <span><${Icon} name="diamond" class="bad" /> ${one.key && html`<strong>${one.key}</strong> `}${one.reason}${one.cure && html` <span class="muted">(${one.cure})</span>`}</span></li>`)}</ul>
    <div class="lab-acts">${children}<button class="button" disabled=${!changed} onClick=${() => write(null)}>${t('lab.reset')}</button></div>
  </section>`;
}

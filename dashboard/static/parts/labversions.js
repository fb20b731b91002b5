// @ts-check
import { get } from '../api.js';
import { html } from '../html.js';
import { t } from '../text.js';
import { when } from '../time.js';
import { report } from '../toasts.js';

/** @import { Lab, LabVersion } from '../types/wire.d.ts' */

/**
 * Which policy was in force since when, and by whom.
 * @param {{lab: Lab, restore: (version: LabVersion) => void, open: (text: string) => void}} props
 */
export function LabVersions({ lab, restore, open }) {
  if (!lab.versions.length) return null;
  /** @param {LabVersion} one */
  const show = async (one) => {
    const kept = await report(get(`/lab/versions/${one.at}`));
    if (kept) open(kept.text);
  };
  return html`<section class="card stack"><h2 class="card-title">${t('lab.versions')}</h2>
    <ul class="lab-versions">${lab.versions.map((one, n) => html`<li key=${one.at}>
      <span class="num nowrap">${when(one.at)}</span>
      <span class="lab-version"><strong class="num">${one.title}</strong> <span class="muted">${one.author ? t(one.restored ? 'lab.restored_by' : 'lab.by', { author: one.author }) : t('lab.by_hand')}</span></span>
      <span class="lab-acts"><button class="button" onClick=${() => show(one)}>${t('lab.open')}</button>
        ${lab.may_publish && n > 0 && one.title !== lab.policy.title && html`<button class="button" onClick=${() => restore(one)}>${t('lab.restore')}</button>`}</span>
    </li>`)}</ul>
  </section>`;
}

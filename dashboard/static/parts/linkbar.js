// @ts-check
import { html, Icon } from '../html.js';
import { link, stale, view } from '../store.js';
import { t } from '../text.js';
import { exact, length, now } from '../time.js';

/** The thin bar that says which link is down, since when, and what that means for the person. */
export function LinkBar() {
  const which = stale.value;
  if (!which || !view.value) return html`<div role="alert"></div>`;
  const since = which === 'socket' ? link.value.heard : view.value.link.since;
  return html`<div role="alert">
    <div class=${`linkbar linkbar-${which}`}>
      <${Icon} name="diamond" />
      <p><strong>${t(`linkbar.${which}`)}</strong> ${t(`linkbar.${which}_means`, { at: exact(since) })}</p>
      <span class="num" aria-hidden="true">${t('linkbar.for', { length: length(now.value - since) })}</span>
    </div>
  </div>`;
}

/** Why an action that needs the PBX cannot work now; '' when it can. */
export function whyNot() {
  if (!view.value) return t('link.connecting');
  return stale.value ? t(`linkbar.${stale.value}_action`) : '';
}

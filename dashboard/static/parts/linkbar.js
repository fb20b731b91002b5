// @ts-check
import { html, Icon } from '../html.js';
import { link, links, lost, myPhoneLost, stale, view } from '../store.js';
import { t } from '../text.js';
import { exact, length, now } from '../time.js';

/** One link that is down: which, since when, and what that means. @param {{which: string, name?: string, since: number}} props */
function Bar({ which, name, since }) {
  const several = name && Object.keys(links.value).length > 1;
  return html`<div class=${`linkbar linkbar-${which}`}>
    <${Icon} name="diamond" />
    <p><strong>${several ? t('linkbar.switch_named', { name }) : t(`linkbar.${which}`)}</strong> ${t(`linkbar.${which}_means${several ? '_named' : ''}`, { at: exact(since), name: name ?? '' })}</p>
    <span class="num" aria-hidden="true">${t('linkbar.for', { length: length(now.value - since) })}</span>
  </div>`;
}

/** A thin bar for each link that is down; without a word from Ringdesk nothing is known of the others. */
export function LinkBar() {
  if (!view.value) return html`<div role="alert"></div>`;
  return html`<div role="alert">
    ${stale.value === 'socket'
      ? html`<${Bar} which="socket" since=${link.value.heard} />`
      : lost.value.map((name) => html`<${Bar} key=${name} which="switch" name=${name} since=${links.value[name].since} />`)}
  </div>`;
}

/** Why an action that needs the PBX cannot work now; '' when it can. */
export function whyNot() {
  if (!view.value) return t('link.connecting');
  const which = stale.value || (myPhoneLost.value ? 'switch' : '');
  return which ? t(`linkbar.${which}_action`) : '';
}

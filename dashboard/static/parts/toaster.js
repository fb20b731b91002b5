// @ts-check
import { html, Icon } from '../html.js';
import { t } from '../text.js';
import { dismiss, toasts } from '../toasts.js';

/** @import { Toast } from '../toasts.js' */

/** @param {{toast: Toast}} props */
function One({ toast }) {
  const act = toast.act;
  return html`<li class=${`toast toast-${toast.kind}`} role=${toast.kind === 'bad' ? 'alert' : 'status'}>
    <${Icon} name=${toast.kind === 'bad' ? 'diamond' : 'check'} />
    <p><strong>${toast.text}</strong>${toast.cure && html`<span>${toast.cure}</span>`}</p>
    ${act && html`<button class="button button-quiet" onClick=${() => (dismiss(toast.id), act.run())}>${act.label}</button>`}
    <button class="icon-button" aria-label=${t('dismiss')} onClick=${() => dismiss(toast.id)}><${Icon} name="cross" /></button>
  </li>`;
}

export const Toasts = () =>
  html`<section class="toasts" aria-label=${t('toasts.label')}><ul>${toasts.value.map((toast) => html`<${One} key=${toast.id} toast=${toast} />`)}</ul></section>`;

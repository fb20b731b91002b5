// @ts-check
import { useEffect, useState } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { useKeys } from '../keys.js';
import { address, go, route } from '../route.js';
import { link, links, lost, me, stale, view } from '../store.js';
import { t } from '../text.js';
import { cycleTheme, theme } from '../themes.js';
import { Account } from './account.js';
import { Announcer } from './announcer.js';
import { Help } from './help.js';
import { LinkBar } from './linkbar.js';
import { Toasts } from './toaster.js';

/** @import { Child } from 'preact' */
/** @import { Me } from '../types/wire.d.ts' */

/** @type {Record<string, (user: Me) => boolean>} */
const PAGES = {
  desk: (user) => Boolean(user.agent) || ['agent', 'telemarketer'].includes(user.role),
  floor: (user) => ['supervisor', 'manager', 'admin'].includes(user.role),
  calls: () => true,
  recordings: () => true,
  lab: (user) => ['supervisor', 'manager', 'admin'].includes(user.role),
  people: (user) => user.role === 'admin',
};

/** Pages this person may see, in the order of the bar. @param {Me} user */
export const pagesOf = (user) => Object.keys(PAGES).filter((page) => PAGES[page](user));

/** @param {{page: string}} props */
const NavLink = ({ page }) =>
  html`<a href=${address(page)} aria-current=${route.value.page === page ? 'page' : undefined}>${t(`nav.${page}`)}</a>`;

const THEME_ICONS = { auto: 'screen', light: 'sun', dark: 'moon' };

function LinkState() {
  const live = !stale.value && !lost.value.length && view.value;
  const trip = link.value.trip;
  const of = Object.keys(links.value).length;
  return html`<span class="linkstate" title=${t('link.title')}>
    <${Icon} name=${live ? 'disc' : 'diamond'} class=${live ? 'good' : 'bad'} />
    ${live ? t('link.live') : view.value ? (stale.value ? t('link.lost') : t('link.some', { n: of - lost.value.length, of })) : t('link.connecting')}
    ${live && trip > 0 && html`<span class="num muted linktrip">${t('link.trip', { ms: Math.max(1, Math.round(trip)) })}</span>`}
  </span>`;
}

/** The bar on top, the page below, and what may stand over both. @param {{children?: Child}} props */
export function Shell({ children }) {
  const [open, setOpen] = useState('');
  const user = /** @type {Me} */ (me.value);
  useKeys({ '?': () => setOpen('help') });
  useJumpToRinging();
  const close = () => setOpen('');
  return html`
    <a class="skip" href="#main" onClick=${focusMain}>${t('skip')}</a>
    <header class="topbar">
      <a class="brand" href=${address(pagesOf(user)[0])}><${Icon} name="logo" />Ringdesk</a>
      <nav aria-label=${t('nav.label')}>${pagesOf(user).map((page) => html`<${NavLink} key=${page} page=${page} />`)}</nav>
      <div class="topbar-end">
        <${LinkState} />
        <button class="icon-button" onClick=${cycleTheme} title=${t(`theme.${theme.value}`)} aria-label=${t(`theme.${theme.value}`)}>
          <${Icon} name=${THEME_ICONS[theme.value]} /></button>
        <button class="icon-button help-open" onClick=${() => setOpen('help')} title=${t('help.open')} aria-label=${t('help.open')}>?</button>
        <button class="person" aria-haspopup="dialog" onClick=${() => setOpen('account')}>${user.name}</button>
      </div>
    </header>
    <${LinkBar} />
    <main id="main" tabindex="-1" class=${stale.value ? 'is-stale' : ''}>${children}</main>
    ${open === 'help' && html`<${Help} close=${close} />`}
    ${open === 'account' && html`<${Account} close=${close} />`}
    <${Toasts} />
    <${Announcer} />`;
}

/** @param {Event} event */
function focusMain(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** A call that begins to ring takes the agent to the desk, once; Back returns. */
function useJumpToRinging() {
  const call = view.value?.call;
  const ringing = call?.phase === 'ringing' ? call.call_id : '';
  useEffect(() => {
    if (ringing && route.peek().page !== 'desk') go('desk');
  }, [ringing]);
}

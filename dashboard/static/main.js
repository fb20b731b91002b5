// @ts-check
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { hooks } from './api.js';
import { html } from './html.js';
import { CallsPage } from './pages/calls.js';
import { DeskPage } from './pages/desk.js';
import { FloorPage } from './pages/floor.js';
import { LabPage } from './pages/lab.js';
import { LadderPage } from './pages/ladder.js';
import { LoginPage } from './pages/login.js';
import { PeoplePage } from './pages/people.js';
import { RecordingsPage } from './pages/recordings.js';
import { pagesOf, Shell } from './parts/shell.js';
import { go, route } from './route.js';
import { begin, me, signedOut } from './store.js';

/** @type {Record<string, unknown>} */
const PAGES = { desk: DeskPage, calls: CallsPage, recordings: RecordingsPage, 'calls/ladder': LadderPage, floor: FloorPage, lab: LabPage, people: PeoplePage };

function App() {
  const user = me.value;
  const allowed = user ? pagesOf(user) : [];
  const page = allowed.includes(route.value.page) ? route.value.page : allowed[0];
  useEffect(() => {
    if (page && route.peek().page !== page) go(page, '', {}, { replace: true });
  }, [page, route.value.page]);
  if (user === undefined) return null;
  if (user === null) return html`<${LoginPage} />`;
  const shown = `${page}/${route.value.part}` in PAGES ? `${page}/${route.value.part}` : page;
  return html`<${Shell}><${PAGES[shown]} key=${shown} /><//>`;
}

hooks.signedOut = signedOut;
begin();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById('app')));

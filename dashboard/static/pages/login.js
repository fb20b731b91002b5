// @ts-check
import { useEffect, useState } from 'preact/hooks';
import { ApiError, request } from '../api.js';
import { html, Icon } from '../html.js';
import { Field } from '../parts/bits.js';
import { signedIn } from '../store.js';
import { t } from '../text.js';

/** The name and the password; after too many tries, how long to wait. */
export function LoginPage() {
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [busy, setBusy] = useState(false);
  const wait = useCountdown(error);

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    setBusy(true);
    try {
      const { user } = await request('POST', '/login', Object.fromEntries(new FormData(form)));
      signedIn(user);
    } catch (failure) {
      setBusy(false);
      if (!(failure instanceof ApiError)) throw failure;
      setError(failure);
      form.querySelector('input')?.focus();
    }
  }

  return html`<main class="login">
    <form class="card login-card stack" onSubmit=${submit}>
      <h1 class="brand"><${Icon} name="logo" />Ringdesk</h1>
      <${Field} label=${t('login.username')} name="username" autocomplete="username" autocapitalize="none" spellcheck=${false} autofocus required />
      <${Field} label=${t('login.password')} name="password" type="password" autocomplete="current-password" required />
      <div role="alert">${error && html`<p class="form-error"><${Icon} name="diamond" /><span>
        <strong>${error.message}</strong> ${wait ? t('login.wait', { n: wait }) : error.cure}</span></p>`}</div>
      <button class="button button-primary button-wide" disabled=${busy || wait > 0}>${busy ? t('login.busy') : t('login.go')}</button>
      <p class="hint">${t('login.hint')}</p>
    </form>
  </main>`;
}

/** Seconds until the server will listen again. @param {ApiError | null} error */
function useCountdown(error) {
  const [left, setLeft] = useState(0);
  useEffect(() => setLeft(error?.retryAfter ?? 0), [error]);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}

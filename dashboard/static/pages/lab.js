// @ts-check
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, request } from '../api.js';
import { html } from '../html.js';
import { useLoad } from '../load.js';
import { Empty, Failure, Skeleton } from '../parts/bits.js';
import { LabResult } from '../parts/labresult.js';
import { LabTry } from '../parts/labtry.js';
import { LabVersions } from '../parts/labversions.js';
import { PolicyEditor } from '../parts/policyeditor.js';
import { t } from '../text.js';
import { report, say } from '../toasts.js';

/** @import { Lab, LabVersion, Trial } from '../types/wire.d.ts' */

const ASK_AGAIN = 400;

/** What stands in the editor; it outlives a visit to another page. Null: the policy in force. */
const draft = signal(/** @type {string | null} */ (null));

/** A trial until it is over, asked for again and again. @param {Trial | null} begun */
function useTrial(begun) {
  const [trial, setTrial] = useState(/** @type {Trial | null} */ (null));
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const shown = trial ?? begun;
  useEffect(() => {
    if (shown?.state !== 'running') return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      get(`/lab/trials/${shown.id}`, stop.signal).then((next) => (setTrial(next), setError(null)), (failed) => stop.signal.aborted || (setError(failed), setTrial({ ...shown })));
    }, ASK_AGAIN);
    return () => (clearTimeout(timer), stop.abort());
  }, [shown]);
  return { trial: shown, error: shown?.state === 'running' ? error : null, setTrial };
}

/** @param {Lab} lab @param {LabVersion} version */
const publishedBefore = (lab, version) => lab.versions.find((one) => one.at < version.at && one.title !== version.title);

/** A policy tried on recorded or made-up days, compared, published, taken back. */
export function LabPage() {
  const { data, error, reload } = useLoad('/lab');
  const lab = /** @type {Lab | null} */ (data);
  const { trial, error: lost, setTrial } = useTrial(lab?.trial ?? null);
  const [valid, setValid] = useState(true);
  if (!lab) return html`<div class="page"><div class="page-head"><h1>${t('lab.title')}</h1></div>
    <section class="card">${error ? html`<${Failure} error=${error} again=${reload} />` : html`<${Skeleton} rows=${8} />`}</section></div>`;
  const text = draft.value ?? lab.policy.text;
  const changed = text !== lab.policy.text;

  /** @param {Record<string, unknown>} on */
  async function begin(on) {
    const begun = await report(request('POST', '/lab/trials', { text, ...on }));
    if (begun) setTrial(begun);
  }

  const cancel = async () => {
    const ended = trial && (await report(request('DELETE', `/lab/trials/${trial.id}`)));
    if (ended) setTrial(ended);
  };

  /** @param {string} path @param {Record<string, string>} body @param {string} instead_of */
  async function bring(path, body, instead_of) {
    const answer = await report(request('POST', path, { ...body, instead_of }));
    if (!answer) return;
    draft.value = null;
    const fresh = /** @type {Lab | undefined} */ (await report(get('/lab')));
    reload();
    const before = fresh && publishedBefore(fresh, answer.version);
    const undo = before && { label: t('undo'), run: () => void bring(`/lab/versions/${before.at}`, {}, answer.version.title) };
    say({ kind: 'done', text: t('lab.published', { title: answer.version.title }), act: undo });
  }

  return html`<div class="page lab">
    <div class="page-head"><h1>${t('lab.title')}</h1><p class="muted">${t('lab.in_force')} <strong class="num">${lab.policy.title}</strong></p></div>
    ${lab.policy.problems.length > 0 && html`<div class="failure" role="alert"><p><strong>${t('lab.file_broken')}</strong> ${t('lab.line', { n: lab.policy.problems[0].line })} ${lab.policy.problems[0].reason}</p></div>`}
    <div class="lab-grid">
      <div class="lab-side">
        <${PolicyEditor} text=${text} changed=${changed} write=${(/** @type {string | null} */ next) => (draft.value = next)} judge=${setValid}>
          ${lab.may_publish && html`<button class="button" disabled=${!changed || !valid} title=${changed ? undefined : t('lab.unchanged')} onClick=${() => bring('/lab/policy', { text }, lab.policy.title)}>${t('lab.publish')}</button>`}
        <//>
        <${LabTry} lab=${lab} trial=${trial} ready=${valid} begin=${begin} cancel=${cancel} />
        <${LabVersions} lab=${lab} restore=${(/** @type {LabVersion} */ one) => bring(`/lab/versions/${one.at}`, {}, lab.policy.title)} open=${(/** @type {string} */ kept) => (draft.value = kept)} />
      </div>
      <section class="card lab-result" aria-live="polite" aria-label=${t('lab.result')}>
        ${lost && html`<${Failure} error=${lost} />`}
        ${trial?.state === 'failed' && html`<${Failure} error=${{ message: t('lab.failed'), cure: trial.reason }} />`}
        ${trial?.result ? html`<${LabResult} trial=${trial} result=${trial.result} />` : trial?.state === 'running' ? html`<${Skeleton} rows=${6} />` : html`<${Empty} title=${t('lab.none')}>${t('lab.none_hint')}<//>`}
      </section>
    </div>
  </div>`;
}

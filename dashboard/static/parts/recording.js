// @ts-check
import { useEffect, useMemo } from 'preact/hooks';
import { html, Icon } from '../html.js';
import { word } from '../text.js';
import { Playback } from '../playback.js';
import { Player } from './player.js';
import { Transcript } from './transcript.js';

/** @import { Moment, RecordingRow } from '../types/wire.d.ts' */

/**
 * One recording: its player and beneath it what was said. Where there is nothing to hear, why.
 * @param {{recording: RecordingRow, customer?: string, agent?: string, compact?: boolean, moment?: Moment | null}} props `moment`: where to begin
 */
export function Recording({ recording, customer, agent, compact, moment = null }) {
  const playback = useMemo(() => new Playback(recording.id, recording.seconds), [recording.id, recording.seconds]);
  useEffect(() => () => playback.stop(), [playback]);
  useEffect(() => {
    if (moment?.play) playback.play(moment.at);
    else if (moment) playback.seek(moment.at);
  }, [playback, moment?.at, moment?.play]);
  if (recording.state !== 'stored') {
    const bad = recording.state === 'failed';
    return html`<p class=${bad ? 'failure' : 'hint'}><${Icon} name=${bad ? 'diamond' : 'disc'} class="bad" /><span>${word('recording', recording.state)}. ${recording.reason}</span></p>`;
  }
  return html`<div class=${`recording ${compact ? 'is-compact' : ''}`}>
    <${Player} playback=${playback} sha256=${compact ? '' : recording.sha256} />
    <${Transcript} recording=${recording} playback=${playback} customer=${customer} agent=${agent} />
  </div>`;
}

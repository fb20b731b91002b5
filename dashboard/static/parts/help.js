// @ts-check
import { html } from '../html.js';
import { t } from '../text.js';
import { Key } from './bits.js';
import { Panel } from './panel.js';

/** Each shortcut, by the place where it works. @type {[string, [string[], string][]][]} */
const SHORTCUTS = [
  ['help.state', [[['F1'], 'help.available'], [['F2'], 'help.break'], [['F4'], 'help.offline']]],
  ['help.call', [[['N'], 'help.note'], [['P'], 'help.pause'], [['1', '9'], 'help.digits'], [['Backspace'], 'help.back'], [['Ctrl', 'Enter'], 'help.done'], [['Enter'], 'help.done_ended']]],
  ['help.hands', [[['T'], 'help.transfer'], [['M'], 'help.mute'], [['K'], 'help.keypad'], [['B'], 'help.back_to'], [['Shift', 'H'], 'help.hangup']]],
  ['help.player', [[['Space'], 'help.play'], [['←', '→'], 'help.seek'], [['<', '>'], 'help.speed'], [['↓', '↑'], 'help.snippets']]],
  ['help.anywhere', [[['/'], 'help.search'], [['Esc'], 'help.escape'], [['?'], 'help.this']]],
];

/** @param {{close: () => void}} props */
export const Help = ({ close }) => html`<${Panel} title=${t('help.title')} close=${close}>
  ${SHORTCUTS.map(([place, rows]) => html`<section class="shortcuts">
    <h3>${t(place)}</h3>
    <dl>${rows.map(([keys, what]) => html`<div><dt>${keys.map((key) => html`<${Key} keys=${key} />`)}</dt><dd>${t(what)}</dd></div>`)}</dl>
  </section>`)}
<//>`;

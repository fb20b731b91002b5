// @ts-check
import { useLayoutEffect, useRef } from 'preact/hooks';

/** @typedef {Record<string, (event: KeyboardEvent) => boolean | void>} KeyMap */

/** Newest last: the panel on top hears a key first. @type {{map: KeyMap}[]} */
const layers = [];

/** @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** "F1", "?", "Ctrl+Enter". @param {KeyboardEvent} event */
const nameOf = (event) => (event.ctrlKey || event.metaKey ? 'Ctrl+' : '') + event.key;

/**
 * Inside a field only keys that cannot be text are heard; a focused button keeps Enter and Space.
 * @param {KeyboardEvent} event @param {string} name
 */
function belongsToField(event, name) {
  if (isTyping(event.target)) return !/^(F\d+|Escape|Ctrl\+.+)$/.test(name);
  const control = event.target instanceof Element && event.target.closest('button, a, [role="slider"], summary');
  return Boolean(control) && (name === 'Enter' || name === ' ');
}

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.altKey || event.isComposing) return;
  const name = nameOf(event);
  if (belongsToField(event, name)) return;
  for (const { map } of [...layers].reverse()) {
    const act = Object.hasOwn(map, name) ? map[name] : undefined;
    // A handler that answers false did not want the key: the next layer may.
    if (act && act(event) !== false) return event.preventDefault();
  }
});

/** Hear these keys while the component stands; the last mounted comes first. @param {KeyMap} map */
export function useKeys(map) {
  const layer = useRef({ map });
  if (layer.current) layer.current.map = map;
  // Before the paint: what is on the screen already hears its keys.
  useLayoutEffect(() => {
    const mine = /** @type {{map: KeyMap}} */ (layer.current);
    layers.push(mine);
    return () => void layers.splice(layers.indexOf(mine), 1);
  }, []);
}

// @ts-check
import htm from 'htm';
import { h } from 'preact';

/** Markup as a tagged template: html`<p class="x">${text}</p>`. Values are always escaped. */
export const html = htm.bind(h);

/**
 * One glyph of the sprite in index.html. It says nothing to a screen reader: a word stands beside.
 * @param {{name: string, class?: string}} props
 */
export function Icon({ name, class: extra = '' }) {
  return html`<svg class=${`icon ${extra}`} aria-hidden="true" focusable="false"><use href=${`#i-${name}`} /></svg>`;
}

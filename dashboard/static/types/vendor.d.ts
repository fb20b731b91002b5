/** As much of the vendored libraries' types as this code uses; enough for `tsc --checkJs`. */
declare module 'preact' {
  export type VNode = object;
  export type Child = VNode | string | number | boolean | null | undefined | Child[];
  export function h(type: unknown, props: object | null, ...children: unknown[]): VNode;
  export function render(node: VNode, parent: Element): void;
}
declare module 'preact/hooks' {
  export interface Ref<T> { current: T | null }
  export function useState<T>(first: T | (() => T)): [T, (next: T | ((old: T) => T)) => void];
  export function useEffect(run: () => void | (() => void), deps?: unknown[]): void;
  export function useLayoutEffect(run: () => void | (() => void), deps?: unknown[]): void;
  export function useMemo<T>(make: () => T, deps: unknown[]): T;
  export function useRef<T>(first: T | null): Ref<T>;
  export function useId(): string;
}
declare module '@preact/signals' {
  export interface ReadonlySignal<T> { readonly value: T; peek(): T }
  export interface Signal<T> { value: T; peek(): T }
  export function signal<T>(first: T): Signal<T>;
  export function computed<T>(make: () => T): ReadonlySignal<T>;
  export function effect(run: () => void | (() => void)): () => void;
  export function batch<T>(run: () => T): T;
}
declare module 'htm' {
  import type { VNode } from 'preact';
  const htm: { bind(h: unknown): (strings: TemplateStringsArray, ...values: any[]) => VNode };
  export default htm;
}

/** A sign for each state: its shape differs, not only its colour. No SDK, no I/O. */
import { STATES, type State } from "../status-format";
import { markup, type Markup } from "./html-escape";

/** One symbol for each state, referenced by {@link icon}. */
export function icons(): Markup {
  const symbol = (state: State, inside: Markup) =>
    markup`<symbol id="icon-${state}" viewBox="0 0 16 16">${inside}</symbol>`;
  return markup`<svg width="0" height="0" class="hidden" aria-hidden="true" focusable="false">${STATES.map((state) => symbol(state, SHAPES[state]))}</svg>`;
}

/** Distinct shapes: disc with tick, triangle with exclamation mark, diamond with cross, square with pause, dashed ring. */
const SHAPES: Readonly<Record<State, Markup>> = {
  up: markup`<circle cx="8" cy="8" r="7.5" fill="currentColor"/><path d="M4.5 8.2 7 10.7l4.6-5" fill="none" stroke="var(--sheet)" stroke-width="1.8"/>`,
  down: markup`<path d="M8 .4 15.6 8 8 15.6.4 8z" fill="currentColor"/><path d="M5.7 5.7l4.6 4.6m0-4.6-4.6 4.6" stroke="var(--sheet)" stroke-width="1.7"/>`,
  degraded: markup`<path d="M8 .8 15.6 14.6H.4z" fill="currentColor"/><path d="M8 5.4v4.2m0 1.6v1.6" stroke="var(--sheet)" stroke-width="1.8"/>`,
  maintenance: markup`<rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor"/><path d="M6 4.5v7m4-7v7" stroke="var(--sheet)" stroke-width="1.8"/>`,
  unknown: markup`<circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="2.6 2.1"/>`,
};

export function icon(state: State): Markup {
  return markup`<svg class="icon" aria-hidden="true" focusable="false"><use href="#icon-${state}"/></svg>`;
}

/** Visible on light and dark browser tabs. */
const FAVICON_COLOURS: Readonly<Record<State, string>> = {
  up: "#2f9468",
  down: "#d8483c",
  degraded: "#c98a00",
  maintenance: "#6b7dd6",
  unknown: "#8a8478",
};

/** A data URI. */
export function favicon(state: State): string {
  const colour = FAVICON_COLOURS[state];
  const fill = state === "unknown" ? `fill="none" stroke="${colour}" stroke-width="3"` : `fill="${colour}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" ${fill}/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

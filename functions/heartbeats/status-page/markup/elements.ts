/** Parts of several pages. No SDK, no I/O. */
import { createHash } from "node:crypto";

import type { StoredBrand } from "../../contract";
import { clockTime, day, dayAndTime } from "../status-format";
import { markup, trusted, type Markup } from "./html-escape";

/** The title, the style, and a policy that lets the page use its own style and script only: injected markup could neither run nor load anything. */
export function pageHead(title: string, style: string, script?: string): Markup {
  const scripts = script === undefined ? "" : `script-src '${sha256(script)}'; `;
  return markup`<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${`default-src 'none'; style-src '${sha256(style)}'; ${scripts}img-src data:; base-uri 'none'; form-action 'none'`}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${trusted(style)}</style>`;
}

export function pageHeader(title: string, { link, logo }: StoredBrand): Markup {
  const name = markup`${logo !== undefined && markup`<img src="${logo}" alt="" height="28"> `}<b>${title}</b>`;
  return markup`<header>${link === undefined ? name : markup`<a href="${link}">${name}</a>`} <span>status</span></header>`;
}

export function time(iso: string, text: string): Markup {
  return markup`<time datetime="${iso}">${text}</time>`;
}

/** The id of a monitor's detail. */
export function anchorOf(monitor: string): string {
  return `monitor-${monitor}`;
}

function sha256(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** `9 Nov 2026, 10:05 UTC to 10:34 UTC`. Both ISO 8601. */
export function period(from: string, to: string | null): Markup {
  const start = time(from, dayAndTime(from));
  return to === null ? start : markup`${start} to ${time(to, day(to) === day(from) ? clockTime(to) : dayAndTime(to))}`;
}

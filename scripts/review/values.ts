/** Finds the values of a resource that a plan changes. Sensitive values are never shown. */
import { ownValue } from "../../functions/shared/own-value";
import { SENSITIVE } from "../../functions/shared/plain-secret";
import { truncate } from "../../functions/shared/text";
import { fieldsOf, isFields, parseExactJson } from "../shared/fields";
import type { Change } from "./plan";
import { withoutSecrets } from "./secrets";

/** Shown in place of values that are known after apply. */
export const UNKNOWN = "(known after apply)";

/** Longer values are cut. */
const LONGEST_VALUE = 160;

export interface ValueChange {
  /** `environment.variables.TARGETS_BUCKET`; also a path inside a JSON string. */
  readonly path: string;
  /** Undefined: absent. */
  readonly before?: string;
  readonly after?: string;
  /** True: the change replaces the resource. */
  readonly forcesReplacement: boolean;
}

type Path = readonly (string | number)[];

/** Every value that differs, in the order of Terraform's attributes. */
export function changedValues(change: Change): readonly ValueChange[] {
  const found: ValueChange[] = [];
  const forced = change.replace_paths.map((path) => path.join("."));
  compare(
    { value: change.before, sensitive: change.before_sensitive, unknown: false },
    { value: change.after, sensitive: change.after_sensitive, unknown: change.after_unknown },
    [],
    (path, before, after) => {
      const name = path.join(".");
      found.push({
        path: name,
        ...(before !== undefined && { before }),
        ...(after !== undefined && { after }),
        forcesReplacement: forced.some((each) => name === each || name.startsWith(`${each}.`)),
      });
    },
  );
  return found;
}

/** One side of a comparison: the value, and parallel shapes in which `true` marks sensitive or unknown parts. */
interface Side {
  readonly value: unknown;
  readonly sensitive: unknown;
  readonly unknown: unknown;
}

type Found = (path: Path, before: string | undefined, after: string | undefined) => void;

function compare(before: Side, after: Side, path: Path, found: Found): void {
  if (before.sensitive === true || after.sensitive === true) {
    // Reported only as changed or not.
    if (!isSame(before.value, after.value) || holdsTrue(after.unknown)) found(path, SENSITIVE, SENSITIVE);
    return;
  }
  if (after.unknown === true) {
    found(path, shown(path, before.value), UNKNOWN);
    return;
  }
  if (isSame(before.value, after.value) && !holdsTrue(after.unknown)) return;
  const one = parsedJson(before.value);
  const other = parsedJson(after.value);
  const keys = keysOf(one, other, after.unknown);
  if (keys === undefined) {
    // A part may be sensitive although the value is shown as a whole.
    const hide = (side: Side) => (holdsTrue(side.sensitive) ? SENSITIVE : shown(path, side.value));
    found(path, hide(before), hide(after));
    return;
  }
  for (const key of keys) {
    const step = (side: Side, value: unknown): Side => {
      // The marks are indexed by position, not by name.
      const index = indexOf(value, key);
      return {
        value: child(value, index),
        sensitive: child(side.sensitive, index),
        unknown: child(side.unknown, index),
      };
    };
    compare(step(before, one), step(after, other), [...path, key], found);
  }
}

/** The keys to compare one by one; undefined: the values are compared as a whole. */
function keysOf(before: unknown, after: unknown, unknown: unknown): readonly (string | number)[] | undefined {
  if (Array.isArray(before) && Array.isArray(after)) {
    const items: readonly unknown[] = before.concat(after);
    const names = [...new Set(items.map(nameOf))];
    const allNamed = names.every((name) => name !== undefined) && isDistinct(before) && isDistinct(after);
    return allNamed ? names : Array.from({ length: Math.max(before.length, after.length) }, (_, index) => index);
  }
  if (!isFields(before) || !isFields(after)) return undefined;
  const unknownKeys = Object.entries(fieldsOf(unknown)).filter(([, marks]) => holdsTrue(marks));
  return [...new Set([...Object.keys(before), ...Object.keys(after), ...unknownKeys.map(([key]) => key)])];
}

/** Identifies an item of a list, so that inserting one does not make all later ones look changed. */
function nameOf(item: unknown): string | undefined {
  const { name, Sid } = fieldsOf(item);
  return typeof name === "string" ? name : typeof Sid === "string" ? Sid : undefined;
}

const isDistinct = (items: readonly unknown[]) => new Set(items.map(nameOf)).size === items.length;

/** The index of a named item in a list, -1 when missing; else the key itself. */
function indexOf(value: unknown, key: string | number): string | number {
  return typeof key === "string" && Array.isArray(value) ? value.findIndex((item) => nameOf(item) === key) : key;
}

function child(value: unknown, index: string | number): unknown {
  if (value === true) return true; // a mark on the whole is one on each part
  if (Array.isArray(value)) return typeof index === "number" ? (value as readonly unknown[])[index] : undefined;
  return ownValue(fieldsOf(value), String(index));
}

/** Policies, dashboards and state machines are JSON in a string: their parts are compared. */
function parsedJson(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  return parseExactJson(value) ?? value;
}

/** Whether a mark of a part is true: of what is sensitive, or known after the apply only. */
export function holdsTrue(marks: unknown): boolean {
  if (typeof marks !== "object" || marks === null) return marks === true;
  return Object.values(marks).some(holdsTrue);
}

function isSame(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  // Providers read back unset values as empty ones.
  if (isEmptyValue(before) && isEmptyValue(after)) return true;
  return canonical(parsedJson(before)) === canonical(parsedJson(after));
}

function isEmptyValue(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isFields(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

/** Secrets are hidden before the text is cut: half of one is not recognised. */
function shown(path: Path, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const hidden = withoutSecrets(path.join("."), value);
  if (hidden === SENSITIVE) return SENSITIVE;
  const text = JSON.stringify(hidden);
  return text.length > LONGEST_VALUE ? `${truncate(text, LONGEST_VALUE + 1)} (${text.length} characters)` : text;
}

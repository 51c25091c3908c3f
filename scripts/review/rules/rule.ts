/** A rule of the review: when a change of an attribute is one for the worse, and what it means. */
import { fieldsOf, type Fields } from "../../shared/fields";
import type { Severity, Verdict } from "../classification";

export interface Rule {
  readonly type: string;
  /** The whole path: `ttl.0.enabled`. */
  readonly path: RegExp;
  readonly verdict: Verdict;
  /** @default "refuse" */
  readonly severity?: Severity;
  /** Completes "<address> ...". */
  readonly what: string;
  /** Whether this change is one. Undefined: absent; when the resource is created, before is. The resource as it will be, and as it was. */
  readonly if: (before: unknown, after: unknown, created: boolean, resource: Fields, former: Fields) => boolean;
  /** True: also when the value is known after the apply only. @default such values follow a resource that is reported itself */
  readonly orUnknown?: boolean;
}

// Conditions of several services. Undefined: absent.

export const lower = (before: unknown, after: unknown) => Number(after ?? 0) < Number(before ?? 0);
export const turnedOff = (before: unknown, after: unknown) => before === true && after !== true;
export const turnedOn = (before: unknown, after: unknown) => before !== true && after === true;
export const gone = (before: unknown, after: unknown) => before !== undefined && after === undefined;
/** One in place of another, both known. */
export const another = (before: unknown, after: unknown, created: boolean) =>
  !created && before !== undefined && after !== undefined;
export const lowered = (before: unknown, after: unknown, created: boolean) =>
  !created && before !== undefined && after !== undefined && lower(before, after);
/** @param unset what AWS or the provider takes when there is none */
export const loweredOr = (unset: number) => (before: unknown, after: unknown, created: boolean) =>
  !created && Number(after ?? unset) < Number(before ?? unset);
/** What was set is set no more, or is another. */
export const changed = (before: unknown, _: unknown, created: boolean) =>
  !created && before !== undefined && before !== "" && before !== false;
export const isSet = (value: unknown) => value !== undefined && value !== "";

/** The items of a list or block by their names. */
export const namedOf = (blocks: unknown): ReadonlyMap<unknown, Fields> =>
  new Map([blocks].flat().map((block) => [fieldsOf(block)["name"], fieldsOf(block)]));

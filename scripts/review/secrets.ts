/** Hides values that are secrets although Terraform does not mark them: a plain variable of a function, for example. */
import { plainSecrets, SENSITIVE } from "../../functions/shared/plain-secret";
import { isFields, parseJson } from "../shared/fields";

/** A choice of AWS's: `AWS_IAM`, `NONE`. */
const CHOICE = /^[A-Z_]+$/;

/** @param path as `environment.0.variables.API_KEY` */
export function isSecretAt(path: string, value: string): boolean {
  // The provider names its attributes, and marks those that are secret: a method's `authorization` is none.
  if (!path.includes(".") && CHOICE.test(value)) return false;
  const names = path.split(".").filter((name) => !/^\d+$/.test(name));
  return plainSecrets(names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)).length > 0;
}

/** The value with each part that is a secret hidden, to be shown whole or cut. JSON in strings is hidden by parts, too. */
export function withoutSecrets(path: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutSecrets(path, item));
  if (isFields(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, part]) => [name, withoutSecrets(path === "" ? name : `${path}.${name}`, part)]),
    );
  if (typeof value !== "string" && typeof value !== "number") return value;
  const json = typeof value === "string" && /^\s*[[{]/.test(value) ? parseJson(value) : undefined;
  if (typeof json === "object" && json !== null) return JSON.stringify(withoutSecrets(path, json));
  return isSecretAt(path, String(value)) ? SENSITIVE : value;
}

/** Operators whose values are dates, numbers, switches and addresses. */
const NO_TEXT = /^(foranyvalue:|forallvalues:)?(date|numeric|bool|null|ipaddress|notipaddress)/i;

/**
 * A policy's condition without its secrets. The last part of a key names its values: `aws:RequestTag/api-key`. What is before it names the issuer:
 * token.actions.githubusercontent.com:sub is no token.
 */
export function conditionWithoutSecrets(condition: unknown): unknown {
  if (!isFields(condition)) return withoutSecrets("", condition);
  return Object.fromEntries(
    Object.entries(condition).map(([operator, tests]) => [
      operator,
      NO_TEXT.test(operator) || !isFields(tests)
        ? tests
        : Object.fromEntries(
            Object.entries(tests).map(([key, values]) => [
              key,
              withoutSecrets(key.split(/[:/]/).at(-1) ?? key, values),
            ]),
          ),
    ]),
  );
}

/** JSON as Terraform's jsonencode writes it, but for the order of names. Pure. */

/** Terraform escapes what a browser could take for markup, and line ends of JavaScript. */
export function jsonencode(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

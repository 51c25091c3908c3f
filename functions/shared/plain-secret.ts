/**
 * Recognises secrets in plain text: what a configuration has is in Terraform's state, in the functions' console, and in the repository. Judged by
 * name ("X-Vault-Token", "apikey"), by known forms, and by entropy. No I/O.
 */

/** Words of names whose values are secrets: `X-Vault-Token`, `api_key`, `clientSecret`. */
const SECRET_WORDS =
  /(^|-)(secrets?|tokens?|passw(or)?ds?|passwort|pwd|passphrase|passcode|api-?keys?|auth-?keys?|access-?keys?|private-?keys?|secret-?keys?|signing-?keys?|encryption-?keys?|credentials?|authorization|auth|bearer|cookies?|jwt|signature|sig|session-?ids?|webhook-?urls?|dsn|connection-?strings?)($|-)/;

/** Names of what is about a secret: `TOKEN_URL`, `PASSWORD_PARAMETER`, `X-Token-Type`. */
const ABOUT_A_SECRET =
  /(^|-)(url|uri|endpoint|path|file|parameter|param|arn|id-?header|header|type|ttl|seconds|minutes|days|length|count|limit|max|min|enabled|required|issuer|audience|scopes?|algorithm|version|region)$/;

/** Names of values that look random and are public. */
const PUBLIC_HASH = /(^|-)(sha\d*|md5|commit|revision|digest|hash|etag|checksum|fingerprint|integrity)($|-)/;

/** Forms of values that are no secret whatever their name: numbers, switches, references to where a secret is. */
const REFERENCE = /^(|true|false|yes|no|none|null|\d{1,9}|arn:[\w-]+:.+|(\/[\w.~-]+)+)$/;

const KNOWN_SECRETS: readonly RegExp[] = [
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/,
  /\bgh[opsur]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}/,
  /\bxox[abeoprs]-[\w-]{8,}/,
  /\b[rsp]k_(live|test)_\w{8,}|\bsk-[\w-]{20,}|\bwhsec_\S{16,}/,
  /\bAIza[\w-]{30,}/,
  /\beyJ[\w-]{8,}\.eyJ?[\w-]*/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bhooks\.slack\.com\/(services|workflows|triggers)\/\w/,
  /^(basic|bearer|token|digest)\s+\S{3,}/i,
  /:\/\/[^/?#@\s]*:[^/?#@\s]+@/,
];

/** `clientSecret` and `CLIENT_SECRET` -> `client-secret` */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1-$2")
    .replace(/[^A-Za-z\d]+/g, "-")
    .toLowerCase();
}

export function isSecretName(name: string): boolean {
  const words = wordsOf(name);
  return SECRET_WORDS.test(words) && !ABOUT_A_SECRET.test(words);
}

/** Whether a value with this name is a secret in plain text. */
export function isPlainSecret(name: string, value: string): boolean {
  if (KNOWN_SECRETS.some((form) => form.test(value))) return true;
  if (REFERENCE.test(value)) return false;
  if (isSecretName(name)) return true;
  return !PUBLIC_HASH.test(wordsOf(name)) && (value.match(/[A-Za-z\d+/=_-]{20,}/g) ?? []).some(isRandom);
}

/** The name of a URL's query parameter whose value is a secret. */
export function secretInQuery(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  return [...new URL(url).searchParams].find(([name, value]) => isPlainSecret(name, value))?.[0];
}

/** Whether a request body, JSON or a form or text, has a secret. */
export function hasPlainSecret(body: string): boolean {
  // "name": "value" in JSON, name=value in a form.
  const json = [...body.matchAll(/"([^"\\]{1,100})"\s*:\s*"((?:[^"\\]|\\.){0,2000})"/g)];
  const form = /^[^\s=&{<]+=[^\s]*$/.test(body) ? [...new URLSearchParams(body)] : [];
  const pairs = [...json.map(([, name = "", value = ""]) => [name, value] as const), ...form];
  return pairs.some(([name, value]) => isPlainSecret(name, value)) || isPlainSecret("", body);
}

const MAX_PATH = 120;

/** The paths of texts in a configuration that are secrets. */
export function plainSecrets(value: unknown, path: readonly PropertyKey[] = []): readonly (readonly PropertyKey[])[] {
  // Not a configuration: it has its own fault. An object that contains itself is as deep as one goes.
  if (path.length > MAX_PATH) return [];
  if (typeof value === "string") {
    const name = path.findLast((segment) => typeof segment === "string") ?? "";
    return isPlainSecret(name, value) || secretInQuery(value) !== undefined ? [path] : [];
  }
  if (Array.isArray(value)) return value.flatMap((each: unknown, index) => plainSecrets(each, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => plainSecrets(each, [...path, name]));
}

/** Bits for each character above which a text is random; words of any language have less for their length. */
const RANDOM_BITS = 3.7;

/** Random text of three kinds of characters, or of hexadecimal digits. A UUID is a name. */
function isRandom(text: string): boolean {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return false;
  if (/^[\da-f]{32,}$/i.test(text)) return entropyOf(text) > 3;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/].filter((kind) => kind.test(text)).length;
  return kinds === 3 && entropyOf(text) > RANDOM_BITS && !/^[\w-]*\d{4}-\d\d-\d\d/.test(text);
}

/** Shannon's, in bits for each character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - (count / text.length) * Math.log2(count / text.length), 0);
}

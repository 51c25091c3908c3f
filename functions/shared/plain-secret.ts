/**
 * Recognises secrets in plain text: what a configuration has is in Terraform's state, in the functions' console, and in the repository. Judged by
 * name ("X-Vault-Token", "apikey"), by known forms, and by entropy. No I/O.
 */
import { parseJson } from "./input";

/** Shown in place of secrets. */
export const SENSITIVE = "(sensitive)";

/** Words of names whose values are secrets: `X-Vault-Token`, `api_key`, `clientSecret`, `SMTP_PASS`. */
const SECRET_WORDS =
  /(^|-)(secrets?|tokens?|passw(or)?ds?|passwort|pwd|passphrase|passcode|api-?keys?|auth-?keys?|access-?keys?|private-?keys?|secret-?keys?|signing-?keys?|encryption-?keys?|credentials?|authorization|auth|bearer|cookies?|jwt|signature|sig|session-?ids?|webhook-?urls?|dsn|connection-?strings?)(\d*$|-)|(^|-)(pass|pw)$/;

/** The same without anything between their words: `apitoken`, `PGPASSWORD`, `XApiKey`. */
const GLUED_SECRET =
  /(secret|token|passw(or)?d|passphrase|credential|(api|auth|access|private|secret|signing|encryption)key)s?\d*$/;

/** Names of secrets that people choose, which may be digits only. */
const CHOSEN_SECRET = /passw(or)?d|passphrase|passcode|secret|(^|-)pin$/;

/** Names that say nothing: what is above them does. */
const GENERIC_NAME = /^(value|default|text|data|content|plain|raw)$/;

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
  // Searched from its dot, because a search from each possible beginning takes quadratic time.
  /\.ey(?<=\beyJ[\w-]{8,}\.ey)/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\bhooks\.slack\.com\/(services|workflows|triggers)\/\w/,
  /\bdiscord(app)?\.com\/api\/webhooks\/\d+\/\w|\.webhook\.office\.com\/webhookb2\/\w|\bapi\.telegram\.org\/bot\d/,
  /:\/\/[^/?#@\s:]{0,200}:[^/?#@\s]{1,200}@/,
];

/** Of a header, whatever its name. */
const AUTHORIZATION = /^(basic|bearer|token|digest)\s+\S{3,}/i;

/** Names of sentences, which may begin with such a word: "Basic plan". */
const PROSE = /^(|body-contains|body-matches|title|description|reason|text)$/;

/** `clientSecret` and `CLIENT_SECRET` -> `client-secret` */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1-$2")
    .replace(/[^A-Za-z\d]+/g, "-")
    .toLowerCase();
}

export function isSecretName(name: string): boolean {
  const words = wordsOf(name);
  if (ABOUT_A_SECRET.test(words)) return false;
  return SECRET_WORDS.test(words) || GLUED_SECRET.test(words.replaceAll("-", ""));
}

/** Whether a value with this name is a secret in plain text. */
export function isPlainSecret(name: string, value: string): boolean {
  if (KNOWN_SECRETS.some((form) => form.test(value))) return true;
  if (AUTHORIZATION.test(value) && !PROSE.test(wordsOf(name))) return true;
  if (/^\d{4,}$/.test(value) && isSecretName(name) && CHOSEN_SECRET.test(wordsOf(name))) return true;
  if (REFERENCE.test(value)) return false;
  if (isSecretName(name)) return true;
  return !PUBLIC_HASH.test(wordsOf(name)) && (value.match(/[A-Za-z\d+/=_-]{20,}/g) ?? []).some(isRandom);
}

/** The part of a URL that is a secret. Random paths are not judged: pages have them, too. */
export function secretInUrl(text: string): "credentials" | "query" | "path" | undefined {
  if (!URL.canParse(text)) return undefined;
  const { username, password, searchParams, hash } = new URL(text);
  if (username !== "" || password !== "") return "credentials";
  const pairs = [...searchParams, ...new URLSearchParams(hash.slice(1))];
  if (pairs.some(([name, value]) => isPlainSecret(name, value))) return "query";
  return KNOWN_SECRETS.some((form) => form.test(text)) ? "path" : undefined;
}

/** `name=value` of forms and connection strings, `"name": "value"`, `<name>value`, and a form's parts: `name="name"`, then the value. */
const PAIRS = [
  /(?<![\w.-])([\w.-]{1,100})["'\\]{0,4}\s{0,9}[:=]\s{0,9}["'\\]{1,4}([^"'\\\n]{1,200})["'\\]/g,
  /(?<![\w.-])([\w.-]{1,100})=([^\s&;,"'<]{1,200})/g,
  /^[ \t-]{0,20}([\w.-]{1,100}): {0,9}([^\s"'{[]{1,200})$/gm,
  /<([\w.:-]{1,100})>([^<>]{1,200})</g,
  /\bname="([^"]{1,100})"\s{2,9}(\S{1,200})/g,
];

/** What anyone may read, though it is random. */
const PUBLIC_PEM = /-----BEGIN (CERTIFICATE|PUBLIC KEY)-----[^-]*-----END \1-----/g;

/** Whether a text has a secret: JSON, a form, XML, YAML, a URL, or a token alone. */
export function hasPlainSecret(text: string): boolean {
  return isSecretOrHasOne("", text);
}

function isSecretOrHasOne(name: string, withPublicPem: string): boolean {
  const text = withPublicPem.replace(PUBLIC_PEM, "");
  if (isPlainSecret(name, text) || secretInUrl(text) !== undefined) return true;
  const json = jsonOf(text);
  if (json !== undefined) return plainSecrets(json).length > 0;
  const form = /^[^\s=&{<]+=\S*$/.test(text) ? [...new URLSearchParams(text)] : [];
  const pairs = PAIRS.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, name = "", value = ""]) => [name, value] as const),
  );
  return [...form, ...pairs].some(([name, value]) => isPlainSecret(name, value));
}

const PRIVATE_PEM = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----(?:[^-]*-----END \1-----)?/g;

/** The credentials of a header, in the middle of a text. */
const CREDENTIALS = /(?<=\b(?:bearer|authorization\W{1,6}\w{1,20}) {1,3})(?=\S{0,200}\d)\S{8,2000}/gi;

/** Temporary folders have random names. */
const FILE = /^\.{0,2}\/[\w.~/-]*(?::\d+)*:?$/;

/** The text with {@link SENSITIVE} in place of each secret in it: what a program or service quotes in its errors. The rest stays as it is. */
export function hideSecrets(text: string): string {
  const withoutPairs = PAIRS.reduce(
    (rest, pattern) =>
      rest.replace(pattern, (pair, name: string, value = name) => {
        if (typeof value !== "string" || !isPlainSecret(name, value)) return pair;
        const at = pair.lastIndexOf(value);
        return pair.slice(0, at) + SENSITIVE + pair.slice(at + value.length);
      }),
    text.replace(PRIVATE_PEM, SENSITIVE).replace(CREDENTIALS, SENSITIVE),
  );
  return withoutPairs.replace(/[^\s"'`,;()<>[\]{}\\]+/g, (word) =>
    !FILE.test(word) && (isPlainSecret("", word) || secretInUrl(word) !== undefined) ? SENSITIVE : word,
  );
}

/** A JSON object or array; undefined: the text is none. */
function jsonOf(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

type Path = readonly PropertyKey[];

/** The paths of values in a configuration that are secrets; of a name that is one, the path of its object. */
export function plainSecrets(value: unknown, path: Path = [], inside: readonly object[] = []): readonly Path[] {
  if (typeof value === "string" || typeof value === "number")
    return isSecretOrHasOne(nameAt(path), String(value)) ? [path] : [];
  // An object that contains itself has its own fault.
  if (typeof value !== "object" || value === null || inside.includes(value)) return [];
  if (Array.isArray(value))
    return value.flatMap((each: unknown, index) => plainSecrets(each, [...path, index], [...inside, value]));
  return Object.entries(value).flatMap(([name, each]) =>
    KNOWN_SECRETS.some((form) => form.test(name)) ? [path] : plainSecrets(each, [...path, name], [...inside, value]),
  );
}

function nameAt(path: Path): string {
  const names = path.filter((segment) => typeof segment === "string");
  return names.findLast((name) => !GENERIC_NAME.test(name)) ?? "";
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

/** Hostile inputs: valid ones, broken in one to four places. The same for the same seed. */

/** Nothing that begins with it may be found in logs and error answers. */
export const SECRET = "S3cr3tM4rk";

/** Fields that are logged and answered on purpose: ids, and what Step Functions says of a failure. They get hostile text, but no secret. */
const IDS = new Set([
  "id",
  "taskId",
  "jobOrderId",
  "messageId",
  "requestId",
  "name",
  "path",
  "executionArn",
  "itemIdentifier",
  "export",
  "execution",
  "schedule",
  "run",
  "key",
  "SequenceNumber",
  "timerId",
  "fireId",
  "error",
  "cause",
]);

const TEXTS = [
  "",
  " ",
  "\u001b[2J\u001b[31m",
  "\u202egpj.exe",
  "line\nbreak\r\u2028",
  "\ud800",
  "\u0000",
  "\uffff",
  "%2570rod",
  "%70rod",
  "%c3%28",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "${jndi:ldap://x}",
  "{{7*7}}",
  "__proto__",
  "constructor",
  "1e21",
  "1e-320",
  "NaN",
  "-0",
  "9007199254740993",
  "2026-02-30T25:61:61Z",
  "a".repeat(3_000),
  "ü".repeat(1_100),
  '"'.repeat(2_000),
  "a".repeat(70_000),
  "(".repeat(500),
];
const NUMBERS = [0, -1, 1.5, 1e21, 1e-320, -1e308, 2 ** 53 + 2, 1e15, NaN, Infinity];

export interface Hostile {
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export function hostile({ random }: Hostile) {
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  const secret = () => `${SECRET}${Math.floor(random() * 1e9).toString(36)}`;

  const nested = (depth: number): unknown => {
    let value: unknown = secret();
    for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  };

  const value = (name: string): unknown => {
    const isId = IDS.has(name);
    const kind = Math.floor(random() * 12);
    if (kind < 3 && !isId) return secret();
    if (kind < 6) return pick(TEXTS);
    if (kind < 8) return pick(NUMBERS);
    if (kind === 8) return pick([null, true, false, [], {}]);
    if (kind === 9 && !isId) return { [secret()]: secret() };
    if (kind === 10 && !isId) return nested(pick([3, 120, 3_000]) ?? 3);
    return isId ? pick(TEXTS) : [secret(), ...TEXTS.slice(0, 5)];
  };

  /** Once for each input: copies of copies would be gigabytes. */
  let multiplied = false;

  /** A copy with one change at a random place. */
  const broken = (whole: unknown, name = ""): unknown => {
    if (typeof whole !== "object" || whole === null || random() < 0.15) return value(name);
    if (Array.isArray(whole)) {
      const items: unknown[] = [...(whole as unknown[])];
      const at = Math.floor(random() * items.length);
      if (!multiplied && random() < 0.2) {
        multiplied = true;
        return Array.from({ length: pick([0, 2, 26, 300]) ?? 0 }, () => items[at]);
      }
      items[at] = broken(items[at], name);
      return items;
    }
    const entries = Object.entries(whole);
    const action = random();
    const at = Math.floor(random() * entries.length);
    if (action < 0.12) return { ...whole, [secret()]: value("") };
    if (action < 0.2) return Object.fromEntries(entries.filter((_, index) => index !== at));
    // What is inside an id (`{"key": {"S": "17"}}`) is one.
    const nameOf = (key: string) => (IDS.has(name) ? name : key);
    return Object.fromEntries(
      entries.map(([key, each], index) => [key, index === at ? broken(each, nameOf(key)) : each]),
    );
  };

  /** JSON with a fault in its text: what was typed wrong has a secret beside it, which is in no id. */
  const brokenText = (text: string): string => {
    const at = Math.floor(random() * (text.length + 1));
    const isInId = [...IDS].some((id) => new RegExp(`"${id}":"[^"]*$`).test(text.slice(0, at)));
    const part =
      pick(isInId ? TEXTS : [secret(), '"', "{", "]", "\\", "\u0000", ",", `:${secret()}`, `"${secret()}":`, "\n"]) ??
      "";
    return random() < 0.3 ? text.slice(0, at) : text.slice(0, at) + part + text.slice(at + Math.floor(random() * 3));
  };

  const several = (whole: unknown): unknown => {
    let result = whole;
    multiplied = false;
    for (let count = Math.floor(random() * 4); count >= 0; count--) result = broken(result);
    return result;
  };

  return { pick, secret, text: () => pick(TEXTS) ?? "", broken: several, brokenText };
}

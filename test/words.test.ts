import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

/** Words that name nothing an engineer of the field knows, each with the term to write instead. Matched as whole words of a name. */
const RETIRED: Readonly<Record<string, string>> = {
  aftermath: "process-check-results",
  aloud: "explicitly",
  announcement: "notification",
  channel: "pipeline, or notifier",
  doom: "name the failure",
  door: "ingress",
  drain: "send, or dispatch",
  drainer: "sender",
  handed: "enqueued",
  flood: "dead-letter queue depth",
  hasty: "fast clock",
  holder: "owner",
  house: "setup",
  judge: "evaluate, or assert",
  leftover: "orphaned resource",
  notice: "notification",
  outcry: "alarm",
  owed: "pending",
  pace: "rate limiter",
  publication: "build status",
  silence: "no invocations",
  standstill: "oldest message age",
  tell: "notify, deliver or describe",
  told: "notified, or delivered",
  turn: "lease",
  weather: "behaviour",
  whoever: "name the caller",
};

/** Names retired as a whole, though their words are good elsewhere. */
const RETIRED_NAMES: Readonly<Record<string, string>> = {
  acceptFrom: "allowService",
  addressGuard: "ssrfGuard",
  allows: "grant",
  allowsInvoke: "grantInvoke",
  allowsPutOff: "grantChangeVisibility",
  allowsSend: "grantSend",
  ask: "confirm",
  callBack: "processDeliveries",
  feeds: "eventSource",
  jobReport: "recordHeartbeat",
  giveBack: "changeVisibility",
  handOver: "enqueue",
  MinuteTick: "FanOutSchedule",
  nameLookup: "dns",
  NotAgreedError: "ConfirmationRequiredError",
  NothingAnswersError: "EmulatorUnreachableError",
  regularExpression: "safeRegex",
  reportIn: "heartbeatApi",
  RunsOtherwiseError: "EmulatorConflictError",
  statusWords: "statusFormat",
  takeJobs: "startJobs",
  through: "enqueuedUntil",
  WayBack: "RedriveTarget",
};

/** `toldBefore` -> told, before; `slack-drain.ts` -> slack, drain. Plurals count as their singular. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase())
    .flatMap((word) => (word.endsWith("s") ? [word, word.slice(0, -1)] : [word]));
}

/** `name-lookup.ts` -> nameLookup. A file of one word may have it: `feeds.ts` are a status page's. */
function camelCase(name: string): string {
  if (!name.includes("-")) return name;
  return name.replace(/\..*$/, "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function replacementOf(name: string): string | undefined {
  const own = (record: Readonly<Record<string, string>>, key: string) =>
    Object.hasOwn(record, key) ? record[key] : undefined;
  return (
    own(RETIRED_NAMES, camelCase(name)) ??
    wordsOf(name)
      .map((word) => own(RETIRED, word))
      .find((found) => found !== undefined)
  );
}

const files = ["clients", "functions", "modules", "scripts", "test"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`.replaceAll("\\", "/")),
);

function isNamed(node: ts.Node): node is ts.NamedDeclaration {
  return "name" in node;
}

/** What a file declares: its variables, parameters, functions, types and members. References to others' names do not count. */
function declaredIn(file: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    const reference = ts.isPropertyAccessExpression(node) || ts.isMetaProperty(node) || ts.isImportSpecifier(node);
    if (!reference && isNamed(node) && node.name !== undefined && ts.isIdentifier(node.name))
      names.push(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest));
  return names;
}

describe("names", () => {
  it("of files and folders have no retired word", () => {
    const retired = files.flatMap((file) => {
      const replacement = file
        .split("/")
        .map(replacementOf)
        .find((found) => found !== undefined);
      return replacement === undefined ? [] : [`${file}: ${replacement}`];
    });
    expect(retired).toEqual([]);
  });

  it("of declarations have no retired word", () => {
    const sources = files.filter((file) => file.endsWith(".ts") && file !== "test/words.test.ts");
    const retired = sources.flatMap((file) =>
      [...new Set(declaredIn(file))].flatMap((name) => {
        const replacement = replacementOf(name);
        return replacement === undefined ? [] : [`${file} ${name}: ${replacement}`];
      }),
    );
    expect(retired).toEqual([]);
  });
});

describe("a file", () => {
  it("says in its first line what is inside", () => {
    const sources = files.filter((file) => /\.(tsx?|[cm]js|py)$/.test(file) && !file.endsWith(".test.ts"));
    const isSilent = (file: string) => !/^(\/\*\*|\/\/|"""|#!)/.test(readFileSync(file, "utf8"));
    expect(sources.length).toBeGreaterThan(600);
    expect(sources.filter(isSilent)).toEqual([]);
  });

  it("shortens texts by truncate: a slice cuts characters in half", () => {
    const sources = files.filter((file) => /\.tsx?$/.test(file) && !file.startsWith("test/"));
    const slices = (file: string) => /\.(slice|substring)\(0,[^`]*\)\}?…/.test(readFileSync(file, "utf8"));
    expect(sources.filter(slices)).toEqual(["functions/shared/text.ts"]);
  });
});

/** Pronouns without an antecedent: an on-call engineer would name who is meant. Test titles read well with them. */
const VAGUE = /\b(whoever|nobody|somebody|so many|in vain|aloud|told)\b/i;

describe("prose", () => {
  it("names its subjects", () => {
    const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "main.ts"].concat(
      readdirSync("docs", { recursive: true, encoding: "utf8" }).map((file) => `docs/${file}`),
    );
    const texts = files.filter((file) => !file.startsWith("test/")).concat(documents);
    const vague = texts
      .filter((file) => /\.(tsx?|[cm]js|py|md)$/.test(file))
      .flatMap((file) =>
        readFileSync(file, "utf8")
          .split("\n")
          .flatMap((line, index) => (VAGUE.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
      );
    expect(vague).toEqual([]);
  });
});

/** Renders the report as GitHub Markdown. */
import { ASSUMPTIONS } from "../cost/estimate";
import { HIGHEST_REGIONAL_FACTOR } from "../shared/aws/prices";
import type { Finding } from "./findings";
import {
  forbiddenFindings,
  forbiddenLoss,
  isEmpty,
  isForbidden,
  type Action,
  type DataLoss,
  type ModuleReview,
  type Report,
  type ReviewedChange,
} from "./report";
import type { ValueChange } from "./values";
import { cell, fenced, lines, mark, paragraphs, prose, words, type Markdown } from "./markdown-text";

/** Longer blocks are folded. */
const LONGEST_SHOWN = 12;

const SIGNS: Readonly<Record<Action, string>> = {
  added: "+",
  changed: "~",
  replaced: "±",
  destroyed: "-",
  forgotten: "…",
  moved: "→",
  imported: "←",
};
const ACTIONS: readonly Action[] = ["destroyed", "replaced", "changed", "added", "moved", "imported", "forgotten"];

export interface MarkdownOptions {
  /** The environment's name. */
  readonly environment: string;
  /** Maximum length: a GitHub comment has 65,536. Values are left out first. @default no limit */
  readonly maxCharacters?: number;
  /** False: without folding, for a terminal. @default true */
  readonly fold?: boolean;
}

export function toMarkdown(report: Report, options: MarkdownOptions): string {
  const { environment, maxCharacters = Number.POSITIVE_INFINITY, fold = true } = options;
  const text = (withValues: boolean) => document(report, environment, withValues).toString();
  const whole = fold ? text(true) : unfolded(text(true));
  if (whole.length <= maxCharacters) return whole;
  const note = "\nThe report is too long and was cut. Run the review yourself to see all of it.\n";
  const short = text(false);
  if (short.length + note.length <= maxCharacters) return short + note;
  const cut = short.slice(0, Math.max(0, maxCharacters - note.length - LONGEST_END));
  return `${closed(cut.slice(0, Math.max(0, cut.lastIndexOf("\n"))))}\n${note}`;
}

/** Room for the end of a fence and of a fold. */
const LONGEST_END = 60;

/** Closes the fence and the fold that a cut has left open, and no other: a fence too many would swallow what follows. */
function closed(cut: string): string {
  let fence: string | undefined;
  let folds = 0;
  for (const line of cut.split("\n")) {
    const [, run] = /^(`{3,})/.exec(line) ?? [];
    if (fence !== undefined) {
      if (line === fence) fence = undefined;
    } else if (run !== undefined) fence = run;
    else if (line === "<details>") folds += 1;
    else if (line === "</details>") folds -= 1;
  }
  return [cut, ...(fence === undefined ? [] : [fence]), ...(folds > 0 ? ["", "</details>"] : [])].join("\n");
}

function document(report: Report, environment: string, withValues: boolean): Markdown {
  const sections = isEmpty(report)
    ? [
        isForbidden(report)
          ? mark`**❌ No resource would change now**, but see below.`
          : report.findings.length > 0
            ? mark`**⚠️ No resource would change**, but see below.`
            : report.drift.length === 0
              ? mark`No changes: the deployed environment matches the configuration.`
              : mark`**⚠️ The deployed environment was changed outside Terraform**, and Terraform would not undo it.`,
        ...findings(report),
        ...drift(report),
      ]
    : [
        summary(report),
        ...dataLoss(report.dataLoss),
        ...findings(report),
        ...drift(report),
        ...permissions(report),
        cost(report),
        ...report.modules.map((module) => moduleSection(module, withValues)),
      ];
  return mark`${paragraphs(mark`# Review of ${environment}`, ...sections)}\n`;
}

function summary(report: Report): Markdown {
  const changes = report.modules.flatMap((module) => module.changes);
  const { before, after } = report.cost;
  return mark`${verdict(report)} ${countActions(changes)}; ${dollars(before)} → ${dollars(after)} a month, idle.`;
}

/** One sentence for each kind of harm; that there is none only when there is none. */
function verdict(report: Report): Markdown {
  const forbidden = forbiddenFindings(report);
  const has = (each: Finding["verdict"]) => forbidden.some((finding) => finding.verdict === each);
  const harms = [
    ...(forbiddenLoss(report).length > 0 || has("data") ? ["Data would be lost."] : []),
    ...(has("exposure") ? ["Something would be exposed, or its failures go unnoticed."] : []),
    ...(has("identity") ? ["Something would get another identity."] : []),
    ...(has("unclassified") ? ["Some changes are not classified: judge them yourself."] : []),
  ];
  if (harms.length > 0) return mark`**❌ ${words(harms.join(" "))}**`;
  if (report.dataLoss.length > 0) return mark`**⚠️ Data is lost, as allowed.**`;
  const allowed = report.findings.some((finding) => finding.allowed && finding.refused);
  if (allowed) return mark`**⚠️ No data is lost. What else matters is allowed.**`;
  return report.findings.length > 0 ? mark`**⚠️ No data is lost; see the warnings.**` : mark`**✅ No data is lost.**`;
}

function dataLoss(losses: readonly DataLoss[]): readonly Markdown[] {
  if (losses.length === 0) return [];
  const items = losses.flatMap(({ address, action, what, because, allowed }) => [
    mark`- ${words(allowed ? "⚠️" : "❌")} ${address} is **${words(action)}**: ${prose(what)} ${words(what.endsWith("s") ? "are" : "is")} lost.${allowed && words(" Allowed.")}`,
    ...because.map(({ path, before, after }) => mark`  - ${path} can't be changed in place: ${arrow(before, after)}`),
  ]);
  const addresses = losses.filter(({ allowed }) => !allowed).map(({ address }) => address);
  return [lines(mark`## Data loss`, "", ...items, ...(addresses.length === 0 ? [] : ["", advice(addresses)]))];
}

/** The address is of a plan: an apostrophe ends no word of the shell. */
function advice(addresses: readonly string[]): Markdown {
  const flags = [...new Set(addresses)].map((address) => `--allow '${address.replaceAll("'", "'\\''")}'`);
  return mark`To allow it: ${`npx almanac review <environment> ${flags.join(" ")}`}`;
}

const VERDICTS: readonly { readonly verdict: Finding["verdict"]; readonly title: string }[] = [
  { verdict: "data", title: "Data that is kept less well" },
  { verdict: "exposure", title: "Exposure" },
  { verdict: "identity", title: "Identity" },
  { verdict: "unclassified", title: "Not classified" },
];

function findings(report: Report): readonly Markdown[] {
  const sections = VERDICTS.flatMap(({ verdict, title }) => {
    const found = report.findings.filter((each) => each.verdict === verdict);
    if (found.length === 0) return [];
    const items = found.flatMap(({ address, what, changes, refused, allowed }) => [
      mark`- ${words(refused && !allowed ? "❌" : "⚠️")} ${address} ${prose(what)}.${allowed && words(" Allowed.")}`,
      ...changes.map((change) => mark`  - ${change}`),
    ]);
    return [lines(mark`## ${words(title)}`, "", ...items)];
  });
  const addresses = forbiddenFindings(report).map(({ address }) => address);
  return addresses.length === 0 ? sections : [...sections, advice(addresses)];
}

function drift({ drift: drifted }: Report): readonly Markdown[] {
  if (drifted.length === 0) return [];
  const content = drifted.flatMap(({ address, destroyed, values }) => [
    `! ${destroyed ? "destroyed" : "changed"} ${address}`,
    ...values.flatMap(valueLines),
  ]);
  const title = words(`${drifted.length} since the last deployment`);
  return [paragraphs(mark`## Changed outside Terraform`, folded(title, content))];
}

function permissions({ permissions: changes }: Report): readonly Markdown[] {
  if (changes.length === 0) return [];
  const gained = changes.reduce((count, change) => count + change.gained.length, 0);
  const lost = changes.reduce((count, change) => count + change.lost.length, 0);
  const content = changes.flatMap(({ owner, gained: more, lost: less }) => [
    `@@ ${owner} @@`,
    ...more.map((sentence) => `+ ${sentence}${isBroad(sentence) ? "   ⚠ broad" : ""}`),
    ...less.map((sentence) => `- ${sentence}`),
  ]);
  return [paragraphs(mark`## Permissions`, folded(words(`${gained} gained, ${lost} lost`), content))];
}

/** A wildcard principal or action. */
function isBroad(sentence: string): boolean {
  return /^Allow ([^ ,]+, )*([a-z0-9-]+:)?\*/.test(sentence) || /^Allow .* by (\*|\{"AWS":"\*"\})( |$)/.test(sentence);
}

function cost({ cost: { before, after, items, unknown } }: Report): Markdown {
  const difference = Number((after - before).toFixed(2));
  const rows = items.map(
    (item) =>
      mark`| ${item.module === "" ? words("environment") : cell(item.module)} | ${cell(item.what)} | ${dollars(item.before)} | ${dollars(item.after)} |`,
  );
  const table = rows.length === 0 ? [] : ["", mark`| | | before | after |`, mark`| - | - | -: | -: |`, ...rows];
  const notes = [
    "Items at list price; the sum after the account's monthly free allowances, as if nothing else used them.",
    `Prices of us-east-1: in other regions requests and storage cost up to ${Math.round((HIGHEST_REGIONAL_FACTOR - 1) * 100)} % more.`,
    ...ASSUMPTIONS.map((assumption) => `${assumption.charAt(0).toUpperCase()}${assumption.slice(1)}.`),
  ];
  const change = difference !== 0 && mark`: ${words(difference < 0 ? "−" : "+")}${dollars(Math.abs(difference))}`;
  return lines(
    mark`## Cost`,
    "",
    mark`${dollars(before)} → ${dollars(after)} a month, idle${change}.`,
    ...unknown.map((each) => mark`\n⚠️ Not included: ${each}`),
    ...table,
    "",
    details(words("Assumptions"), lines(...notes.map((note) => words(`- ${note}`)))),
  );
}

function moduleSection({ module, changes }: ModuleReview, withValues: boolean): Markdown {
  const content = ACTIONS.flatMap((action) =>
    changes.filter((change) => change.action === action).flatMap((change) => changeLines(change, withValues)),
  );
  return paragraphs(
    mark`## ${module === "" ? words("The environment") : module}`,
    folded(countActions(changes), content),
  );
}

function changeLines(
  { address, action, previously, losesData, values }: ReviewedChange,
  withValues: boolean,
): string[] {
  const note = [...(losesData ? ["data loss"] : []), ...(previously === undefined ? [] : [`was ${previously}`])];
  return [
    // In a diff, GitHub colours what begins with + - and !.
    `${action === "changed" || action === "replaced" ? "!" : SIGNS[action]} ${action} ${address}${note.length === 0 ? "" : ` (${note.join("; ")})`}`,
    ...(withValues ? values.flatMap(valueLines) : []),
  ];
}

function valueLines({ path, before, after, forcesReplacement }: ValueChange): string[] {
  const note = forcesReplacement ? "   # forces replacement" : "";
  if (before !== undefined && before === after) return [`      ${path} = ${before}, changed${note}`];
  return [
    ...(before === undefined ? [] : [`-     ${path} = ${before}${after === undefined ? note : ""}`]),
    ...(after === undefined ? [] : [`+     ${path} = ${after}${note}`]),
  ];
}

/** "1 destroyed, 3 added". */
function countActions(changes: readonly ReviewedChange[]): Markdown {
  const counts = ACTIONS.map((action) => ({
    action,
    count: changes.filter((change) => change.action === action).length,
  })).filter(({ count }) => count > 0);
  return words(counts.map(({ action, count }) => `${count} ${action}`).join(", "));
}

/** Lines in a fenced block, folded when there are many. */
function folded(title: Markdown, content: readonly string[]): Markdown {
  const block = fenced(content);
  return content.length <= LONGEST_SHOWN ? paragraphs(title, block) : details(title, block);
}

const details = (title: Markdown, content: Markdown) =>
  mark`<details>\n<summary>${title}</summary>\n\n${content}\n\n</details>`;

/** Values cannot match these lines: they are fenced, behind a sign. */
const unfolded = (markdown: string) =>
  markdown.replace(/^<details>\n<summary>(.*)<\/summary>$/gm, "$1").replace(/\n\n<\/details>$/gm, "");

const arrow = (before: string | undefined, after: string | undefined) =>
  mark`${before ?? "nothing"} → ${after ?? "nothing"}`;
const dollars = (amount: number) => words(`$${amount.toFixed(2)}`);

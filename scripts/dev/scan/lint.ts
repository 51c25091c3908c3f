/** Second opinions: parliament judges the policies of a stack, cfn-lint its state machines. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import { ACCOUNT_ID, withReferences, type Place } from "../../../modules/synthesized/known-after-apply";
import type { Resource } from "../../../modules/synthesized/resources";
import { pythonEnvironment } from "../../emulator/python";
import { POLICY_ATTRIBUTES } from "../../review/grants";
import { parseJson } from "../../shared/fields";
import { CommandFailedError, runCommand, type CommandResult } from "../../shared/run-command";
import { readStackResources } from "../../terraform/stack-resources";
import type { Finding } from "./evaluate";

const PLACE: Place = { partition: "aws", region: "eu-central-1" };
const DATA: Readonly<Record<string, string>> = {
  aws_caller_identity: ACCOUNT_ID,
  aws_partition: PLACE.partition,
  aws_region: PLACE.region,
};

export interface Linted {
  readonly findings: readonly Finding[];
  /** Policies and state machines. */
  readonly judged: number;
}

/**
 * @param python of an environment that has both
 * @param stacks by environment: the folder of its synthesized stack
 * @param folder for the files that they read
 * @throws CommandFailedError
 */
export async function lintStacks(python: string, stacks: ReadonlyMap<string, string>, folder: string): Promise<Linted> {
  let judged = 0;
  const [policies, templates] = [join(folder, "policies"), join(folder, "machines")];
  await mkdir(templates, { recursive: true });
  for (const [environment, stack] of stacks) {
    const resources = await resourcesIn(stack);
    judged += await writePolicies(resources, join(policies, environment));
    judged += await writeTemplate(resources, join(templates, `${environment}.json`));
  }
  const findings = await Promise.all([runParliament(python, policies), runCfnLint(python, templates)]);
  return { findings: findings.flat(), judged };
}

async function resourcesIn(stack: string): Promise<readonly Resource[]> {
  const resources = await readStackResources(stack, (reference) => {
    const [data, type = ""] = reference.split(".");
    return data === "data" ? DATA[type] : undefined;
  });
  return withReferences(resources, PLACE);
}

async function writePolicies(resources: readonly Resource[], folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const policies = resources.flatMap(({ address, values }) =>
    POLICY_ATTRIBUTES.flatMap((attribute) => {
      const policy = values[attribute];
      return typeof policy === "string" ? [{ file: `${address}.${attribute}.json`, policy }] : [];
    }),
  );
  for (const { file, policy } of policies) await writeFile(join(folder, file), policy);
  return policies.length;
}

const findingSchema = z.object({
  issue: z.string(),
  title: z.string(),
  detail: z.unknown(),
  location: z.object({ filepath: z.string() }),
});
const mismatchSchema = z.array(z.object({ action: z.string() }));

async function runParliament(python: string, folder: string): Promise<readonly Finding[]> {
  const args = [join(dirname(python), "parliament"), "--directory", folder, "--json"];
  const result = await runCommand(python, args, { env: pythonEnvironment() });
  return result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line): readonly Finding[] => {
      const { issue, title, detail, location } = parsed(findingSchema, line, "parliament", result);
      const environment = basename(dirname(location.filepath));
      const at = `${environment}/${basename(location.filepath, ".json")}`;
      const mismatches = mismatchSchema.safeParse(detail).data;
      // One for each action, which a waiver can name.
      return (mismatches?.map(({ action }) => `${at} ${action}`) ?? [at]).map((where) => ({
        check: `parliament ${issue}`,
        name: `${title}: ${JSON.stringify(detail)}`,
        at: where,
      }));
    });
}

/** A machine that is wrong on purpose: a linter that does not find it has read nothing. */
const CANARY = "WrongOnPurpose";

/** As CloudFormation has state machines. */
async function writeTemplate(resources: readonly Resource[], file: string): Promise<number> {
  const machines = resources.flatMap(({ type, address, values }) => {
    const definition = values["definition"];
    if (type !== "aws_sfn_state_machine" || typeof definition !== "string") return [];
    return [[address.replace(/[^A-Za-z\d]/g, ""), machineOf(parseJson(definition))] as const];
  });
  const canary = machineOf({ StartAt: "Nowhere", States: { Here: { Type: "Succeed", Typo: 1 } } });
  await writeFile(file, JSON.stringify({ Resources: { ...Object.fromEntries(machines), [CANARY]: canary } }));
  return machines.length;
}

const machineOf = (Definition: unknown) => ({
  Type: "AWS::StepFunctions::StateMachine",
  Properties: { RoleArn: `arn:aws:iam::${ACCOUNT_ID}:role/machine`, Definition },
});

const lintSchema = z.array(
  z.object({
    Filename: z.string(),
    Message: z.string(),
    Rule: z.object({ Id: z.string() }),
    Location: z.object({ Path: z.array(z.union([z.string(), z.number()])).nullable() }),
  }),
);

async function runCfnLint(python: string, folder: string): Promise<readonly Finding[]> {
  const args = [join(dirname(python), "cfn-lint"), "--format", "json", join(folder, "*.json")];
  const result = await runCommand(python, args, { env: pythonEnvironment() });
  const found = parsed(lintSchema, result.stdout, "cfn-lint", result).map(({ Filename, Message, Rule, Location }) => ({
    check: `cfn-lint ${Rule.Id}`,
    name: Message,
    environment: basename(Filename, ".json"),
    path: Location.Path ?? [],
  }));
  const isCanary = ({ path }: (typeof found)[number]) => path.includes(CANARY);
  if (!found.some(isCanary)) throw new CommandFailedError("cfn-lint", result);
  return found
    .filter((finding) => !isCanary(finding))
    .map(({ environment, path, ...finding }) => ({ ...finding, at: `${environment} ${path.slice(1).join(".")}` }));
}

function parsed<T>(schema: z.ZodType<T>, text: string, name: string, result: CommandResult): T {
  const found = schema.safeParse(parseJson(text));
  if (!found.success) throw new CommandFailedError(name, result);
  return found.data;
}

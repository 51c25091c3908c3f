/** `almanac bootstrap <environment>`: creates what Terraform needs before it can run. */
import { InvalidArgumentError } from "commander";
import { bootstrap } from "../environments/bootstrap";
import { githubRolesOf } from "../environments/github-roles";
import { openStack, withStackFolder } from "../environments/stack";
import { DocumentedCommand, EXIT, exitCodeOf, withApp, type AppOptions } from "../shared/terminal/command-line";

interface Options extends AppOptions {
  readonly github?: string;
}

export const command = () =>
  withApp(
    new DocumentedCommand({
      description:
        "Creates the bucket of an environment's Terraform state: versioned, encrypted, TLS only, no public access. " +
        "Gives API Gateway a role for access logs, if the account has none. Idempotent. " +
        "Uses the AWS credentials of your shell (AWS_PROFILE, AWS_ACCESS_KEY_ID, SSO). " +
        "With --github it creates nothing: it prints the roles of GitHub Actions as a Terraform configuration.",
      examples: [
        "npx almanac bootstrap staging",
        "npx almanac bootstrap staging --github acme/almanac > staging-roles/main.tf.json",
      ],
    }),
  )
    .argument("<environment>", "declared in main.ts: staging")
    .option("--github <owner/repository>", "print the roles that its GitHub Actions assume", repository)
    .action(exitCodeOf(run));

function repository(text: string): string {
  // A pattern in a role's trust would let other repositories in.
  if (!/^[A-Za-z0-9][\w-]*\/[\w.-]+$/.test(text)) throw new InvalidArgumentError("Expected owner/repository.");
  return text;
}

async function run(environment: string, { github, ...options }: Options): Promise<number> {
  if (github !== undefined) {
    const roles = await withStackFolder(async (own) =>
      githubRolesOf(await openStack(environment, { ...options, ...own }), github),
    );
    console.log(JSON.stringify(roles, null, 2));
    console.error(
      "Next, in the folder of that file: terraform init && terraform apply. Then docs/deploying.md#github-actions",
    );
    return EXIT.ok;
  }
  const { bucket, created, weaknesses, apiLogs } = await withStackFolder(async (own) =>
    bootstrap(await openStack(environment, { ...options, ...own })),
  );
  console.log(
    `${bucket}: ${created ? "created" : "there already"}${weaknesses.length === 0 ? ", versioned, encrypted, TLS only" : ""}.`,
  );
  for (const weakness of weaknesses) console.error(`Warning: ${weakness}`);
  if (apiLogs)
    console.log(`${apiLogs.role}: API Gateway's role for access logs, ${apiLogs.set ? "set" : "there already"}.`);
  console.log(`Next: npx almanac deploy ${environment}`);
  return EXIT.ok;
}

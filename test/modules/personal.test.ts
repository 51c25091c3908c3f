import { App } from "cdktf";
import { Environment, personalEnvironment, type EnvironmentInput } from "../../modules/environment";
import { terraformSchema } from "../support/synthesized";

const staging: EnvironmentInput = {
  region: "eu-central-1",
  protectData: true,
  alarmEmails: ["ops@example.org"],
  stateBucket: "acme-staging-state",
  heartbeats: { targets: [{ name: "site", url: "https://example.org/" }], statusPage: { cdn: true } },
};

/** The environment that ALMANAC_ENVIRONMENT asks for, beside staging; undefined: none was made. */
function personal(name: string | undefined): Environment | undefined {
  const before = process.env["ALMANAC_ENVIRONMENT"];
  try {
    if (name === undefined) delete process.env["ALMANAC_ENVIRONMENT"];
    else process.env["ALMANAC_ENVIRONMENT"] = name;
    const app = new App();
    new Environment(app, "staging", staging);
    personalEnvironment(app, staging);
    const made = app.node.children.filter((child): child is Environment => child instanceof Environment);
    return made.find(({ node }) => node.id !== "staging");
  } finally {
    if (before === undefined) delete process.env["ALMANAC_ENVIRONMENT"];
    else process.env["ALMANAC_ENVIRONMENT"] = before;
  }
}

describe("a personal environment", () => {
  it("is there when it is asked for by name, and not otherwise", () => {
    expect(personal("alice")?.node.id).toBe("alice");
    for (const name of [undefined, "", "staging"]) expect(personal(name)).toBeUndefined();
  });

  it("needs a name that all its resources can begin with", () => {
    expect(() => personal("Alice's")).toThrow(/environment: .*lower case/);
  });

  it("is a small copy under a prefix and a state of its own", () => {
    const json = JSON.stringify(personal("alice")?.toTerraform());
    // A bucket of its own, called like the one that main.ts names.
    expect(json).toContain('"bucket":"acme-staging-state-alice","key":"almanac/alice.tfstate"');
    expect(json).toContain('"Environment":"alice","ManagedBy":"almanac","Personal":"true"');
    expect(json.replace("acme-staging-state-alice", "")).not.toContain("staging");
    expect(json).not.toContain("ops@example.org");
  });

  it("protects nothing, and has no page on the web", () => {
    const alice = personal("alice");
    const [heartbeats] = alice?.node.children.filter((child) => child.node.id === "heartbeats") ?? [];
    const { resource } = terraformSchema.parse((heartbeats as { toModule(): unknown } | undefined)?.toModule());
    expect(Object.keys(resource)).toContain("aws_dynamodb_table");
    expect(Object.keys(resource)).not.toContain("aws_cloudfront_distribution");
    expect(JSON.stringify(resource)).not.toContain('"prevent_destroy":true');
  });
});

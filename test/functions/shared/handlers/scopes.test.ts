import { scopeOf, scopesSchema } from "../../../../functions/shared/handlers/scopes";

const scopes = scopesSchema.parse({
  "arn:aws:iam::111122223333:role/services/billing": ["billing-", "shared-"],
  "arn:aws:iam::111122223333:role/administrators": [""],
  "arn:aws:iam::111122223333:user/teams/ann": ["ann-"],
});
const session = (name: string, account = "111122223333") => `arn:aws:sts::${account}:assumed-role/${name}/a-session`;

describe("the scope of a caller", () => {
  it.each<[string, string | undefined, string, boolean]>([
    ["a role's prefix", session("billing"), "billing-1", true],
    ["its other prefix", session("billing"), "shared-", true],
    ["another's prefix", session("billing"), "ann-1", false],
    ["a part of the prefix", session("billing"), "billing", false],
    ["a role with the empty prefix", session("administrators"), "ann-1", true],
    ["a user with a path", "arn:aws:iam::111122223333:user/teams/ann", "ann-1", true],
    ["a role of the same name in another account", session("billing", "999999999999"), "billing-1", false],
    ["a user with the name of a role", "arn:aws:iam::111122223333:user/billing", "billing-1", false],
    ["a session that is called like a role", `${session("guest")}/billing`, "billing-1", false],
    ["a role that is not listed", session("guest"), "billing-1", false],
    ["the account's root", "arn:aws:iam::111122223333:root", "billing-1", false],
    ["a caller without an ARN", undefined, "billing-1", false],
    ["text that is no ARN", "billing", "billing-1", false],
  ])("%s", (_, userArn, id, allowed) => {
    const scope = scopeOf(userArn, scopes);
    expect(scope.includes(id)).toBe(allowed);
    const check = (): void => {
      scope.check(id);
    };
    if (allowed) expect(check).not.toThrow();
    else expect(check).toThrow("the caller's scope does not include this id");
  });

  it("is everything without configuration", () => {
    expect(scopeOf(undefined, undefined).includes("billing-1")).toBe(true);
    expect(scopeOf(session("guest"), undefined).includes("billing-1")).toBe(true);
  });

  it("is nothing when no caller is listed", () => {
    expect(scopeOf(session("billing"), {}).includes("billing-1")).toBe(false);
  });

  it.each([
    "billing",
    "arn:aws:sts::111122223333:assumed-role/billing/session",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::1111:role/billing",
    "arn:aws:iam::111122223333:role/*",
  ])("is not configured for %s", (arn) => {
    expect(scopesSchema.safeParse({ [arn]: ["a-"] }).success).toBe(false);
  });
});

import { challengeOf } from "../../../../functions/pipelines/gate/challenge";

const CHALLENGE = '{"type":"url_verification","challenge":"c"}';

describe("a challenge", () => {
  it("is Slack's: of another sender it is a message", () => {
    expect(challengeOf(CHALLENGE, "slack")).toBe("c");
    const custom = { header: "x", algorithm: "sha256", encoding: "hex", template: "{body}" } as const;
    for (const other of ["github", "stripe", "standard-webhooks", custom, undefined] as const)
      expect(challengeOf(CHALLENGE, other)).toBeUndefined();
  });

  it.each(["", "{", "[]", "null", '{"type":"url_verification"}', '{"type":"event_callback","challenge":"c"}'])(
    "is none in %j",
    (body) => {
      expect(challengeOf(body, "slack")).toBeUndefined();
    },
  );
});

import { createHash, createHmac } from "node:crypto";
import { pipelineSchema, type WebhookVerification } from "../../../../functions/pipelines/contract";
import { verifySignature, type SignedRequest } from "../../../../functions/pipelines/gate/signatures";
import fc from "../../../support/fast-check";

const SLACK_BODY =
  "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const STRIPE_SIGNATURE = createHmac("sha256", "whsec_test").update('1795248000.{"id":"evt_1"}').digest("hex");

/** Of what identifies a delivery. */
const idOf = (delivery: string) => createHash("sha256").update(delivery).digest("hex");

interface Example {
  readonly verify: WebhookVerification;
  readonly secret: string;
  readonly request: SignedRequest;
  /** Unix time in seconds. */
  readonly at: number;
}

const custom = (verify: object) =>
  pipelineSchema.parse({ key: "/id", webhook: { verify, secret: "/secret" } }).webhook?.verify ?? "github";

/** Those of the senders' documentation; of Stripe, which publishes none, one by its rule. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  "of GitHub": {
    verify: "github",
    secret: "It's a Secret to Everybody",
    request: {
      headers: {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
      },
      body: "Hello, World!",
    },
    at: 1_795_248_000,
  },
  "of Slack": {
    verify: "slack",
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    request: {
      headers: {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
      },
      body: SLACK_BODY,
    },
    at: 1_531_420_618,
  },
  "of Standard Webhooks": {
    verify: "standard-webhooks",
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    request: {
      headers: {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1a,AAAA v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
      },
      body: '{"test": 2432232314}',
    },
    at: 1_614_265_330,
  },
  "of Stripe": {
    verify: "stripe",
    secret: "whsec_test",
    request: {
      headers: { "stripe-signature": `t=1795248000,v1=${"0".repeat(64)},v1=${STRIPE_SIGNATURE},v0=00` },
      body: '{"id":"evt_1"}',
    },
    at: 1_795_248_000,
  },
  "of another sender": {
    verify: custom({
      header: "X-Signature",
      algorithm: "sha512",
      encoding: "base64",
      template: "{header:X-Time}|{body}",
      timestampHeader: "X-Time",
    }),
    secret: "s",
    request: {
      headers: {
        "x-time": "1795248000",
        "x-signature": createHmac("sha512", "s").update("1795248000|{}").digest("base64"),
      },
      body: "{}",
    },
    at: 1_795_248_000,
  },
};

const verify = ({ verify, secret, request, at }: Example) => verifySignature(request, verify, [secret], at * 1_000);

describe.each(Object.entries(EXAMPLES))("a signature %s", (_, example) => {
  const { request, at } = example;
  const signsTime = example.verify !== "github";

  it("is accepted, and identifies the delivery", () => {
    expect(verify(example)).toMatch(/^[0-9a-f]{64}$/);
    expect(verify(example)).toBe(verify(example));
  });

  it("is refused for any other body, secret and header", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (text !== request.body) expect(() => verify({ ...example, request: { ...request, body: text } })).toThrow();
        if (text !== example.secret) expect(() => verify({ ...example, secret: text })).toThrow();
        for (const name of Object.keys(request.headers)) {
          if (request.headers[name] === text) continue;
          const headers = { ...request.headers, [name]: text };
          expect(() => verify({ ...example, request: { ...request, headers } })).toThrow();
        }
      }),
    );
    expect(() => verify({ ...example, request: { ...request, headers: {} } })).toThrow("missing");
    expect(() => verify({ ...example, secret: "" })).toThrow();
    expect(() => verifySignature(request, example.verify, [], at * 1_000)).toThrow();
  });

  it("is refused five minutes before and after its time, where the sender signs one", () => {
    for (const seconds of [-301, 301]) {
      const late = { ...example, at: at + seconds };
      if (signsTime) expect(() => verify(late)).toThrow("five minutes");
      else expect(verify(late)).toBe(verify(example));
    }
    // Of its second, as the timestamp: a request of 0.999 s is not older than its sender's own code has it.
    for (const seconds of [-300, 300, 300.999]) expect(verify({ ...example, at: at + seconds })).toBe(verify(example));
  });

  it("is accepted with either secret while it is rotated", () => {
    expect(verifySignature(request, example.verify, ["new", example.secret], at * 1_000)).toBe(verify(example));
  });
});

it("a signature counts behind ten of other schemes and ten that are wrong", () => {
  const { request, at } = EXAMPLES["of Stripe"] ?? { request: { headers: {}, body: "" }, at: 0 };
  const signed = (parts: readonly string[]) => () =>
    verifySignature(
      { ...request, headers: { "stripe-signature": `t=${at},${parts.join(",")},v1=${STRIPE_SIGNATURE}` } },
      "stripe",
      ["whsec_test"],
      at * 1_000,
    );
  expect(signed(Array.from({ length: 20 }, () => "v0=00"))()).toBe(idOf('{"id":"evt_1"}'));
  expect(signed(Array.from({ length: 9 }, () => "v1=00"))()).toBe(idOf('{"id":"evt_1"}'));
  expect(signed(Array.from({ length: 10 }, () => "v1=00"))).toThrow("does not match");
});

it("the digest of a delivery identifies it, however the sender writes it", () => {
  const { request, at } = EXAMPLES["of Stripe"] ?? { request: { headers: {}, body: "" }, at: 0 };
  const headers = { "stripe-signature": `v1=${STRIPE_SIGNATURE.toUpperCase()}, t=${at}` };
  expect(verifySignature({ ...request, headers }, "stripe", ["whsec_test"], at * 1_000)).toBe(idOf('{"id":"evt_1"}'));
});

it.each([
  ["stripe", (time: number) => ({ "stripe-signature": `t=${time},v1=${hmacOf(`${time}.{}`, "hex")}` })],
  [
    "slack",
    (time: number) => ({
      "x-slack-request-timestamp": String(time),
      "x-slack-signature": `v0=${hmacOf(`v0:${time}:{}`, "hex")}`,
    }),
  ],
  [
    "standard-webhooks",
    (time: number) => ({
      "webhook-id": "msg",
      "webhook-timestamp": String(time),
      "webhook-signature": `v1,${hmacOf(`msg.${time}.{}`, "base64")}`,
    }),
  ],
] as const)("a delivery that %s repeats with a later time is the same one", (scheme, headersAt) => {
  const secret = scheme === "standard-webhooks" ? btoa("s") : "s";
  const at = (time: number) =>
    verifySignature({ headers: headersAt(time), body: "{}" }, scheme, [secret], time * 1_000);
  expect(at(60)).toBe(at(3_660));
});

const hmacOf = (content: string, encoding: "hex" | "base64") =>
  createHmac("sha256", "s").update(content).digest(encoding);

it("a body is signed as it is, though it looks like a template or a replacement", () => {
  const template = "{header:x-time}.{body}.{header:x-id}";
  const verification = custom({ header: "X-Signature", algorithm: "sha256", encoding: "hex", template });
  for (const body of ["{header:x-time}", "{body}", "$&", "$1", "$$", "$'"]) {
    const signature = createHmac("sha256", "s").update(`7.${body}.`).digest("hex");
    const headers = { "x-time": "7", "x-signature": signature };
    expect(verifySignature({ headers, body }, verification, ["s"], 0)).toBe(idOf(`7.${body}.`));
  }
});

describe("a signature of another sender", () => {
  const hmac = (encoding: "hex" | "base64") => createHmac("sha256", "s").update("{}").digest(encoding);
  const check =
    (encoding: "hex" | "base64", signature: string, secret = "s") =>
    () =>
      verifySignature(
        { headers: { "x-signature": signature }, body: "{}" },
        custom({ header: "X-Signature", algorithm: "sha256", encoding }),
        [secret],
        0,
      );

  it.each(["", "sha256=", "v1=", "hmac-sha256=", "v1=00,v1=", "00, "])("may have the prefix %j", (prefix) => {
    for (const encoding of ["hex", "base64"] as const)
      expect(check(encoding, `${prefix}${hmac(encoding)}`)()).toBe(idOf("{}"));
  });

  it.each([
    ["upper case", hmac("hex").toUpperCase(), "hex"],
    ["Base64 without padding", hmac("base64").replace("=", ""), "base64"],
    ["URL-safe Base64", hmac("base64").replaceAll("+", "-").replaceAll("/", "_"), "base64"],
  ] as const)("may be in %s", (_, signature, encoding) => {
    expect(check(encoding, signature)()).toBe(idOf("{}"));
  });

  it.each([
    ["half a byte", `${hmac("hex")}0`, "hex"],
    ["a byte", `${hmac("hex")}00`, "hex"],
    ["text", `${hmac("hex")}zz`, "hex"],
    ["a second one", `${hmac("hex")} ${hmac("hex")}`, "hex"],
    ["text", `${hmac("base64")}!!`, "base64"],
    ["bytes", `${hmac("base64")}AAAA`, "base64"],
    ["more padding", `${hmac("base64")}==`, "base64"],
  ] as const)("is refused with %s behind it", (_, signature, encoding) => {
    expect(check(encoding, signature)).toThrow("does not match");
  });

  it("is refused in letters that only look like its own, or whose low bytes are", () => {
    const shifted = (by: number) => hmac("hex").replace(/./g, (each) => String.fromCharCode(each.charCodeAt(0) + by));
    for (const signature of [shifted(0x1_00), shifted(0xfe_e0)])
      expect(check("hex", signature)).toThrow("does not match");
    expect(check("base64", hmac("base64").replace(/^./, "$& "))).toThrow("does not match");
  });
});

it("a secret of Standard Webhooks without a key verifies nothing", () => {
  const { request, at } = EXAMPLES["of Standard Webhooks"] ?? { request: { headers: {}, body: "" }, at: 0 };
  const signature = createHmac("sha256", "").update(`msg.${at}.${request.body}`).digest("base64");
  const headers = { "webhook-id": "msg", "webhook-timestamp": String(at), "webhook-signature": `v1,${signature}` };
  for (const secret of ["whsec_", "---", "whsec_="])
    expect(() => verifySignature({ ...request, headers }, "standard-webhooks", [secret], at * 1_000)).toThrow();
});

describe("a webhook's configuration", () => {
  const parse = (verify: object) => pipelineSchema.safeParse({ key: "/id", webhook: { verify, secret: "/secret" } });
  const base = { header: "X-Signature", algorithm: "sha256", encoding: "hex" };

  it("signs the body, and the time that it trusts", () => {
    expect(parse(base).success).toBe(true);
    expect(parse({ ...base, template: "{header:x-time}" }).success).toBe(false);
    expect(parse({ ...base, timestampHeader: "X-Time" }).success).toBe(false);
    expect(parse({ ...base, timestampHeader: "X-Time", template: "{header:x-time}.{body}" }).success).toBe(true);
    for (const name of ["timestamp", "Body", "headers:x-time", "header:", "header:x time", "header:x.time"])
      expect(parse({ ...base, template: `{${name}}.{body}` }).success).toBe(name.includes(" "));
    expect(parse({ ...base, template: '{"url":"https://a.example","body":{body}}' }).success).toBe(true);
  });
});

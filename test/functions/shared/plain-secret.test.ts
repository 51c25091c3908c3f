import {
  hasPlainSecret,
  hideSecrets,
  isPlainSecret,
  plainSecrets,
  secretInUrl,
} from "../../../functions/shared/plain-secret";
import { measured } from "../../support/measured";
import fc from "../../support/fast-check";

describe("a secret in plain text", () => {
  it.each([
    ["X-Vault-Token", "s.abc"],
    ["apikey", "hunter2"],
    ["X-API-Key", "hunter2"],
    ["Api_Key", "hunter2"],
    ["clientSecret", "hunter2"],
    ["DB_PASSWORD", "hunter2"],
    ["Cookie", "session=1"],
    ["PRIVATE-TOKEN", "x"],
    ["X-Amz-Security-Token", "x"],
    ["Ocp-Apim-Subscription", "4f1c9a7e2b8d4065a3e1f0c9d8b7a6e5"],
    ["X-Custom", "Bearer abcdef"],
    ["X-Custom", "Basic dXNlcjpwYXNz"],
    ["X-Custom", "AKIAIOSFODNN7EXAMPLE"],
    ["X-Custom", `ghp_${"aB3".repeat(12)}`],
    ["X-Custom", "xoxb-1234567890-abcdefghij"],
    ["X-Custom", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"],
    ["X-Custom", "https://hooks.slack.com/services/T000/B000/XXXX"],
    ["X-Custom", "-----BEGIN RSA PRIVATE KEY-----"],
    ["DATABASE", "postgres://me:hunter2@db.example.org/app"],
    ["X-Custom", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
    ["XApiKey", "abc"],
    ["apitoken", "abc"],
    ["x-accesstoken", "abc"],
    ["clientsecret", "abc"],
    ["PGPASSWORD", "hunter2"],
    ["SMTP_PASS", "hunter2"],
    ["X-Token-1", "abc"],
    ["PASSWORD", "12345678"],
  ])("is recognised: %s: %s", (name, value) => {
    expect(isPlainSecret(name, value)).toBe(true);
  });

  it.each([
    ["Accept", "application/json"],
    ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"],
    ["X-Request-Id", "11111111-2222-3333-4444-555555555555"],
    ["TOKEN_URL", "https://example.org/oauth/token"],
    ["PASSWORD_PARAMETER", "/almanac/db/password"],
    ["SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf"],
    ["ssm", "/almanac/token"],
    ["TOKEN_TTL_SECONDS", "3600"],
    ["GIT_COMMIT", "d139068f8a4cb9986194d310e211b1bc8a27efa3"],
    ["Authorization-Type", "none"],
    ["TABLE", "almanac-production-timers-recorded-fires"],
    ["TOKEN_LIMIT", "4096"],
    ["maxTokens", "4096"],
    ["PARTITION_KEY", "orderId"],
    ["bypass", "no-cache"],
    ["author", "Ada Lovelace"],
    ["tokenizer", "standard"],
    ["monkey", "banana"],
    ["bodyContains", "Basic plan"],
    ["description", "Token exchange of the shop"],
    ["bodyContains", "Welcome to the Internal Developer Platform of 2026"],
  ])("is not seen in %s: %s", (name, value) => {
    expect(isPlainSecret(name, value)).toBe(false);
  });

  it("is recognised in random text of 24 characters or more, nearly always", () => {
    const alphabet = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    const keys = fc.sample(fc.string({ unit: fc.constantFrom(...alphabet), minLength: 24, maxLength: 40 }), {
      numRuns: 1_000,
    });
    expect(keys.filter((key) => isPlainSecret("X-Custom", key)).length).toBeGreaterThan(930);
  });

  it.each([
    ["https://example.org/?api_key=hunter2", "query"],
    ["https://example.org/?q=1&access_token=abc", "query"],
    ["https://example.org/?%61pi_key=abc", "query"],
    ["https://example.org/?sig=abc", "query"],
    ["https://example.org/#access_token=abc", "query"],
    ["https://me:hunter2@example.org/", "credentials"],
    ["https://t0k3n@example.org/", "credentials"],
    ["https:me:hunter2@example.org", "credentials"],
    ["https://hooks.slack.com/services/T000/B000/abc", "path"],
    ["https://discord.com/api/webhooks/123456789012345678/abc", "path"],
    ["https://api.telegram.org/bot123456:abc/getMe", "path"],
    ["https://acme.webhook.office.com/webhookb2/abc", "path"],
    ["https://example.org/health?verbose=true&page=token", undefined],
    ["https://example.org/@me/a:b#section", undefined],
    ["not a URL", undefined],
  ])("is found in a URL: %s", (url, part) => {
    expect(secretInUrl(url)).toBe(part);
  });

  it.each([
    ['{"user":"me","password":"hunter2"}', true],
    ['{"auth": {"apiKey": "hunter2"}}', true],
    ['{"pass\\u0077ord":"hunter2"}', true],
    ['{"password":12345678}', true],
    ['{"password":["hunter2"]}', true],
    ['{"password":{"value":"hunter2"}}', true],
    ['{"query":"mutation { login(password: \\"hunter2\\") { id } }"}', true],
    ["{'password':'hunter2'}", true],
    ["<login><password>hunter2</password></login>", true],
    ["user: me\npassword: hunter2\n", true],
    ['--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--x--', true],
    ["grant_type=client_credentials&client_secret=hunter2", true],
    ["user=me&pass%77ord=hunter2", true],
    ["Server=db;User=me;Password=hunter 2;", true],
    ["AKIAIOSFODNN7EXAMPLE", true],
    ['{"query":"{ viewer { name } }"}', false],
    ['{"required":["password"],"properties":{"password":{"type":"string","minLength":12}}}', false],
    ["grant_type=client_credentials", false],
    ["-----BEGIN CERTIFICATE-----\nMIIDdzCCAl8gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----", false],
    ["The password: it changes each month", false],
    ["cron(0 12 * * ? *)", false],
    ["ping", false],
    ["", false],
  ])("is found in a text: %s", (text, found) => {
    expect(hasPlainSecret(text)).toBe(found);
  });

  it("is found wherever it is in a configuration, by its path", () => {
    const configuration = {
      timers: { callback: { environment: { STRIPE_KEY: "sk_live_0123456789", TABLE: "orders", apiToken: "x" } } },
      urls: ["https://example.org/", "https://example.org/?token=x", "https://me@example.org/"],
      schedules: {
        environment: { CONFIGURATION: '{"password":"hunter2"}' },
        input: { password: 12_345, secret: { value: "x" }, tokens: ["x"], limit: 12_345 },
        byKey: { [`ghp_${"aB3".repeat(12)}`]: 1 },
      },
      alarmEmails: ["ops@example.org"],
    };
    expect(plainSecrets(configuration)).toEqual([
      ["timers", "callback", "environment", "STRIPE_KEY"],
      ["timers", "callback", "environment", "apiToken"],
      ["urls", 1],
      ["urls", 2],
      ["schedules", "environment", "CONFIGURATION"],
      ["schedules", "input", "password"],
      ["schedules", "input", "secret", "value"],
      ["schedules", "input", "tokens", 0],
      ["schedules", "byKey"],
    ]);
  });

  it("is judged in linear time", () => {
    const texts = [
      "a".repeat(65_536),
      '"'.repeat(65_536),
      '"a":'.repeat(16_384),
      "-A0a".repeat(16_384),
      "=&".repeat(32_768),
      `x://${":".repeat(65_536)}`,
      "a: ".repeat(21_845),
      "<a>".repeat(21_845),
      "[".repeat(65_536),
      'name="a"\n'.repeat(7_000),
      "eyJ-".repeat(65_536),
    ];
    expect(measured(() => texts.map(hasPlainSecret)).cpuMs).toBeLessThan(2_000);
  });
});

it("takes no public hash for a secret", () => {
  const digest = "3c50dbf4a6a7e5a2bbd62d546307fa82";
  expect(plainSecrets({ commit: digest, content: { etag: digest } })).toEqual([]);
  expect(plainSecrets({ other: digest })).toEqual([["other"]]);
});

describe("a text in which secrets are hidden", () => {
  it.each([
    [
      "ValidationException: Value 'sk_live_4eC39HqLyjWDarjtT1zdp7dc' at 'value' failed",
      "ValidationException: Value '(sensitive)' at 'value' failed",
    ],
    ['var.webhook_url is "https://hooks.slack.com/services/T000/B000/XXXX".', 'var.webhook_url is "(sensitive)".'],
    ["dial postgres://me:hunter2@db.example.org/app: refused", "dial (sensitive) refused"],
    ['environment = { "DB_PASSWORD" = "hunter2" }', 'environment = { "DB_PASSWORD" = "(sensitive)" }'],
    [
      '{"Variables":{"DB_PASSWORD":"hunter2","LOG":"info"}}',
      '{"Variables":{"DB_PASSWORD":"(sensitive)","LOG":"info"}}',
    ],
    [String.raw`"{\"password\":\"hunter2\"}"`, String.raw`"{\"password\":\"(sensitive)\"}"`],
    ["GET /?token=hunter2hunter2&page=1: 403", "GET /?token=(sensitive)&page=1: 403"],
    ["  api_key: hunter2\n  page: 1", "  api_key: (sensitive)\n  page: 1"],
    ["sent Authorization: Bearer abc.def-123456 to it", "sent Authorization: Bearer (sensitive) to it"],
    ["key -----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY----- of it", "key (sensitive) of it"],
    ["key -----BEGIN PRIVATE KEY-----", "key (sensitive)"],
  ])("has the rest of it: %s", (text, shown) => {
    expect(hideSecrets(text)).toBe(shown);
  });

  it.each([
    "module.pipelines.aws_lambda_function.job-order-ingest: creating Lambda Function (almanac-production-pipelines-job-order-ingest): operation error Lambda: CreateFunction, https response error StatusCode: 400, RequestID: 1f0cb1d2-7c44-4b0e-9d5e-0d9c5f4a1b2c, InvalidParameterValueException: Unzipped size must be smaller than 262144000 bytes",
    'cdk.tf.json:7: Invalid reference\n  A managed resource "aws_sqs_queue" "jobs" has not been declared in the root module.',
    "Its state was not saved. As soon as its bucket can be written: cd /home/me/.almanac/work/Ab3dEf9xYz12QwErTy && terraform state push errored.tfstate",
    "Error acquiring the state lock: Lock Info: ID: 11111111-2222-3333-4444-555555555555 Path: almanac-staging-terraform-state/almanac/staging.tfstate Who: me@host Created: 2026-11-21 17:00:00.123 +0000 UTC",
    "arn:aws:states:eu-central-1:123456789012:stateMachine:almanac-production-workflows-task is not authorized: the Bearer token is missing",
    "../../tmp/almanac-Ab3dEf9xYz12QwErTy/app.ts, line 2: cannot be read",
    "../../tmp/almanac-Ab3dEf9xYz12QwErTy/app.ts:7:12: cannot be read",
    "Terraform 1.9.8 is too old. Install it: https://developer.hashicorp.com/terraform/install",
  ])("is the same without one: %s", (text) => {
    expect(hideSecrets(text)).toBe(text);
  });

  it("takes linear time", () => {
    for (const part of ['"', "a", "a=", "-----BEGIN PRIVATE KEY-----", "bearer ", "authorization: "])
      expect(measured(() => hideSecrets(part.repeat(20_000)).length).cpuMs).toBeLessThan(2_000);
  });
});

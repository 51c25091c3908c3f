/** What a web page, or a program without the keys of this run, can do to the system on this machine: nothing. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { readRunning, type RunRecord } from "../../scripts/emulator/run-record";
import { outputsOf } from "../../scripts/shared/feature-outputs";
import { homeAt } from "../../scripts/shared/home";
import { ensureChromium, launchChromium } from "../support/chromium";
import { presignedAddress } from "../support/signed-fetch";
import { awsConfiguration, home, npmRun, PERSONAL_VALUE } from "./support/system";

let running: RunRecord;
let endpoint: string;
let pages: string;
/** `http://127.0.0.1:<port>` of the console. */
let console_: string;
let aws: ReturnType<typeof awsConfiguration>;
beforeAll(async () => {
  const record = await readRunning(homeAt(home));
  if (record?.pages === undefined || record.console === undefined)
    throw new Error("npm start did not start an environment");
  running = record;
  endpoint = record.endpoint;
  pages = record.pages.url;
  console_ = record.console.url;
  aws = awsConfiguration(endpoint);
});

/** A request with any headers: fetch would set its own Host. */
async function send(url: string, method = "GET", headers: OutgoingHttpHeaders = {}): Promise<IncomingMessage> {
  const [response] = (await once(httpRequest(url, { method, headers }).end(), "response")) as [IncomingMessage];
  response.resume();
  return response;
}

/** An invocation of a deployed function, signed with the keys of this run: any program may send it. */
async function invocation(): Promise<string> {
  const { check_function_name: name } = outputsOf("heartbeats", {
    name: "local",
    features: running.deployment?.features ?? {},
  });
  const address = `${endpoint}/2015-03-31/functions/${name}/invocations`;
  return presignedAddress(address, { method: "POST", service: "lambda" }, aws);
}

const FOREIGN: readonly OutgoingHttpHeaders[] = [
  { Origin: "https://evil.example" },
  { Origin: "null" },
  { Origin: "http://127.0.0.1:1" },
  { "Sec-Fetch-Site": "cross-site" },
  { "Sec-Fetch-Site": "same-site" },
  { Host: "evil.example" },
];

describe("the servers on this machine", () => {
  it.each(FOREIGN)("refuse a request with %j, signed or not, and give no page permission", async (headers) => {
    const urls = [
      await invocation(),
      `${endpoint}/_ministack/health`,
      `${pages}/inbox`,
      `${pages}/`,
      `${console_}/`,
      `${console_}/api/token`,
    ];
    for (const url of [...urls, `${pages}/services/almanac/slack/orders`])
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const response = await send(url, method, { ...headers, "Content-Type": "text/plain" });
        expect([url, method, response.statusCode]).toEqual([url, method, 403]);
        expect(Object.keys(response.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
  });

  it("accept the same request of a program", async () => {
    expect((await send(await invocation(), "POST")).statusCode).toBe(200);
    expect((await send(`${pages}/inbox`)).statusCode).toBe(200);
    expect((await send(`${console_}/`)).statusCode).toBe(200);
  });

  it("add no CORS headers of their own", async () => {
    for (const url of [`${endpoint}/bucket`, `${endpoint}/_ministack/health`, `${pages}/inbox`, `${console_}/`])
      for (const method of ["GET", "OPTIONS"])
        expect(Object.keys((await send(url, method)).headers).join()).not.toContain("access-control-");
  });

  it("have no open endpoint that deletes, configures or returns code", async () => {
    for (const path of ["/_ministack/reset", "/_ministack/config", "/_ministack/lambda-code/x", "/_localstack/init"])
      for (const method of ["GET", "POST"]) expect((await send(`${endpoint}${path}`, method)).statusCode).toBe(403);
    const { Buckets = [] } = await new S3Client(aws).send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name)).toContain("almanac-local-terraform-state");
  });
});

describe("the keys of this run", () => {
  it.each([
    ["test", "test"],
    ["000000000000", "test"],
    ["the right id", "a wrong secret"],
  ])("are not %s and %s", async (accessKeyId, secretAccessKey) => {
    const id = accessKeyId === "the right id" ? aws.credentials.accessKeyId : accessKeyId;
    const s3 = new S3Client({ ...aws, credentials: { accessKeyId: id, secretAccessKey } });
    await expect(s3.send(new ListBucketsCommand({}))).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  });

  it("are needed: a request without any reads no bucket", async () => {
    for (const path of ["/", "/almanac-local-terraform-state", "/almanac-local-terraform-state/almanac/local.tfstate"])
      expect((await send(`${endpoint}${path}`)).statusCode).toBe(403);
  });

  it("are printed by status, and stand in one file that only its owner can read", async () => {
    const { secretAccessKey } = aws.credentials;
    expect((await npmRun("status", "--home", home)).output).toContain(`AWS_SECRET_ACCESS_KEY=${secretAccessKey}`);
    const json: unknown = JSON.parse((await npmRun("status", "--home", home, "--json")).output);
    const { accessKeyId } = aws.credentials;
    expect(json).toMatchObject({ credentials: { accessKeyId, secretAccessKey } });
    const found = [home, ".almanac/emulator/keys", ".almanac/terraform"].flatMap((folder) =>
      namesIn(folder)
        .map((name) => join(folder, name))
        .filter((file) => !file.includes("/providers/") && unlessGone(() => statSync(file).isFile(), false))
        .filter((file) => unlessGone(() => readFileSync(file).includes(secretAccessKey), false)),
    );
    expect(found).toEqual([join(".almanac/emulator/keys", String(running.port))]);
    expect((statSync(found[0] ?? "").mode & 0o777).toString(8)).toBe("600");
  });

  const onLinux = process.platform === "linux" ? it : it.skip; // /proc
  onLinux("are not in the environment of functions, nor is anything of this shell", () => {
    const environments = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => unlessGone(() => readFileSync(`/proc/${pid}/environ`, "utf8"), "").split("\0"))
      .filter((variables) => variables.includes(`AWS_ENDPOINT_URL=${endpoint}`))
      .filter((variables) => variables.some((variable) => variable.startsWith("AWS_LAMBDA_FUNCTION_NAME=")));
    expect(environments.length).toBeGreaterThan(0);
    for (const variables of environments) {
      expect(variables.join("\n")).not.toContain(aws.credentials.secretAccessKey);
      expect(variables.join("\n")).not.toContain(PERSONAL_VALUE);
      const [path = ""] = variables.filter((variable) => variable.startsWith("PATH="));
      expect(path).toMatch(/^PATH=[^:]+:\/usr\/local\/bin:\/usr\/bin:\/bin$/);
    }
  });
});

/** Of all files below it. Folders of functions disappear while others are listed: listed again, then. */
function namesIn(folder: string): readonly string[] {
  for (;;) {
    const names = unlessGone(() => readdirSync(folder, { recursive: true, encoding: "utf8" }), undefined);
    if (names !== undefined) return names;
    statSync(folder);
  }
}

/** Reads what may disappear between two reads. */
function unlessGone<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

describe("a page of another origin, in a browser", () => {
  it("invokes nothing, deletes nothing and reads nothing, even with the right keys", async () => {
    const attacks = [
      `fetch(${JSON.stringify(await invocation())}, { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" } })`,
      `fetch("${endpoint}/_ministack/reset", { method: "POST", mode: "no-cors", body: "" })`,
      `fetch("${endpoint}/_ministack/health").then((response) => response.text())`,
      `fetch("${pages}/services/almanac/slack/orders", { method: "POST", mode: "no-cors", body: '{"text": "from a page"}' })`,
      `fetch("${pages}/inbox").then((response) => response.text())`,
      `fetch("${console_}/api/token", { method: "POST", mode: "no-cors", body: "" })`,
      `fetch("${console_}/api/overview").then((response) => response.text())`,
      `new Promise((done) => { const script = document.createElement("script"); script.onload = done; script.onerror = () => done("no script"); script.src = "${console_}/console.js"; document.head.append(script); })`,
      `new Promise((done) => { const image = new Image(); image.onload = done; image.onerror = () => done("no image"); image.src = "${pages}/badges/x.svg"; })`,
      `new Promise((done) => { const socket = new WebSocket("${endpoint.replace("http", "ws")}/_aws/execute-api/x/y"); socket.onopen = () => done("open"); socket.onerror = () => done("closed"); })`,
    ];
    const site = createServer((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end("<title>evil</title>");
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
    process.env["CHROMIUM_PATH"] = await ensureChromium();
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const statuses = new Map<string, number>();
      page.on("response", (response) => statuses.set(response.url(), response.status()));
      // Another origin (site, even) than 127.0.0.1.
      await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
      const outcomes: unknown[] = [];
      for (const attack of attacks)
        outcomes.push(await page.evaluate(`Promise.resolve(${attack}).then(String, (error) => "failed: " + error)`));
      // A form leaves the page, and takes no permission to do so.
      await page.evaluate(
        `document.body.innerHTML = '<form method="post" enctype="text/plain" action="${endpoint}/_ministack/reset"></form>'; document.forms[0].submit();`,
      );
      await page.waitForURL(`${endpoint}/**`);
      expect(await page.innerText("body")).toContain("Refused");

      const reached = [...statuses].filter(([url]) =>
        [endpoint, pages, console_].some((server) => url.startsWith(server)),
      );
      // The browser says nothing of answers that it withholds from the page.
      expect(reached.length).toBeGreaterThanOrEqual(3);
      expect(reached.filter(([, status]) => status !== 403)).toEqual([]);
      // What the page learns: of an opaque answer nothing, of the others that they failed.
      expect(
        outcomes.filter((outcome) => !/^(failed|\[object Response\]|no image|no script|closed)/.test(String(outcome))),
      ).toEqual([]);
    } finally {
      await browser.close();
      site.close();
    }
    expect(await (await fetch(`${pages}/inbox`)).text()).not.toContain("from a page");
  });
});

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";
import { EXPLAINED, unexplained } from "../../../../scripts/dev/apply-to-moto/differences";
import { motoProxy, type MotoProxy } from "../../../../scripts/dev/apply-to-moto/proxy";

/** moto: answers everything with 418, so that tests see what reaches it. */
const moto = createServer((_, response) => response.writeHead(418).end("moto"));
let proxy: MotoProxy;

beforeAll(async () => {
  moto.listen(0, "127.0.0.1");
  await once(moto, "listening");
  const { port } = moto.address() as AddressInfo;
  proxy = await motoProxy(`http://127.0.0.1:${port}`);
});

afterAll(async () => {
  await proxy.stop();
  moto.close();
  await once(moto, "close");
});

const stepFunctions = (operation: string) =>
  fetch(proxy.url, { method: "POST", headers: { "x-amz-target": `AWSStepFunctions.${operation}` }, body: "{}" });

it("answers what moto lacks of Step Functions, and passes the rest on", async () => {
  expect(await (await stepFunctions("ValidateStateMachineDefinition")).json()).toEqual({
    result: "OK",
    diagnostics: [],
  });
  expect(await (await stepFunctions("ListStateMachineVersions")).json()).toEqual({ stateMachineVersions: [] });
  const passed = await stepFunctions("CreateStateMachine");
  expect([passed.status, await passed.text()]).toEqual([418, "moto"]);
  expect([...proxy.refused]).toContain("POST AWSStepFunctions.CreateStateMachine: 418");
});

it("keeps a bucket's policy, which moto would take for one without conditions", async () => {
  const url = `${proxy.url}/orders?policy=`;
  expect((await fetch(url)).status).toBe(404);
  await fetch(url, { method: "PUT", body: '{"Statement":[]}' });
  expect(await (await fetch(url)).json()).toEqual({ Statement: [] });
  await fetch(url, { method: "DELETE" });
  expect((await fetch(url)).status).toBe(404);
  // An object of that name, and the bucket's other settings, are moto's.
  expect((await fetch(`${proxy.url}/orders/policy`)).status).toBe(418);
  expect((await fetch(`${proxy.url}/orders?policyStatus`)).status).toBe(418);
});

it("keeps response headers policies of CloudFront", async () => {
  const url = `${proxy.url}/2020-05-31/response-headers-policy`;
  const body = '<?xml version="1.0"?><ResponseHeadersPolicyConfig><Name>page</Name></ResponseHeadersPolicyConfig>';
  const created = await fetch(url, { method: "POST", body });
  expect([created.status, created.headers.get("etag")]).toEqual([201, "E1"]);
  const [, id] = /<Id>(.*)<\/Id>/.exec(await created.text()) ?? [];
  expect(await (await fetch(`${url}/${z.string().parse(id)}`)).text()).toContain("<Name>page</Name>");
  expect((await fetch(`${url}/policy-9`)).status).toBe(404);
});

it("is for this machine's programs only", async () => {
  expect((await fetch(proxy.url, { headers: { origin: "https://example.org" } })).status).toBe(403);
});

it("explains updates only, attribute by attribute", () => {
  const known = EXPLAINED[0];
  if (known === undefined) throw new Error("nothing is explained");
  const difference = { address: "a", type: known.type, action: "update", attributes: known.attributes };
  expect(unexplained([difference])).toEqual([]);
  for (const other of [
    { ...difference, action: "delete and create" },
    { ...difference, attributes: [...known.attributes, "role"] },
    { ...difference, type: "aws_s3_bucket" },
  ])
    expect(unexplained([other])).toEqual([other]);
});

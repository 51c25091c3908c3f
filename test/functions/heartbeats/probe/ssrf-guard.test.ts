import ipaddr from "ipaddr.js";

import { forbiddenHost, forbiddenRange } from "../../../../functions/heartbeats/probe/ssrf-guard";
import fc from "../../../support/fast-check";

const hostOf = (url: string) => new URL(url).hostname;

describe("an address", () => {
  it.each<[range: string, kind: RegExp, addresses: readonly string[]]>([
    ["0.0.0.0/8", /unspecified/, ["0.0.0.0", "0.255.255.255"]],
    ["10.0.0.0/8", /private/, ["10.0.0.0", "10.255.255.255"]],
    ["100.64.0.0/10", /CGNAT/, ["100.64.0.0", "100.127.255.255"]],
    ["127.0.0.0/8", /loopback/, ["127.0.0.1", "127.255.255.254"]],
    // Lambda's own runtime, credentials of containers.
    ["169.254.0.0/16", /link-local/, ["169.254.0.1", "169.254.100.1", "169.254.170.2", "169.254.255.255"]],
    ["169.254.169.254/32", /metadata/, ["169.254.169.254"]],
    ["100.100.100.200/32", /metadata/, ["100.100.100.200"]],
    ["168.63.129.16/32", /metadata/, ["168.63.129.16"]],
    ["172.16.0.0/12", /private/, ["172.16.0.0", "172.31.255.255"]],
    ["192.0.0.0/24", /reserved/, ["192.0.0.192"]],
    ["192.0.2.0/24", /documentation/, ["192.0.2.1"]],
    ["192.88.99.0/24", /reserved/, ["192.88.99.1"]],
    ["192.168.0.0/16", /private/, ["192.168.0.0", "192.168.255.255"]],
    ["198.18.0.0/15", /benchmarking/, ["198.18.0.0", "198.19.255.255"]],
    ["198.51.100.0/24", /documentation/, ["198.51.100.7"]],
    ["203.0.113.0/24", /documentation/, ["203.0.113.7"]],
    ["224.0.0.0/4", /multicast/, ["224.0.0.1", "239.255.255.255"]],
    ["240.0.0.0/4", /reserved/, ["240.0.0.0", "255.255.255.254"]],
    ["255.255.255.255/32", /broadcast/, ["255.255.255.255"]],
  ])("of IPv4 in %s is forbidden", (range, kind, addresses) => {
    const expected = { kind: expect.stringMatching(kind) as unknown, range };
    for (const address of addresses) {
      expect(forbiddenRange(address)).toEqual(expected);
      expect(forbiddenRange(`::ffff:${address}`)).toEqual(expected);
      expect(forbiddenRange(`0:0:0:0:0:FFFF:${address}`)).toEqual(expected);
      expect(forbiddenRange(`64:ff9b::${address}`)).toEqual(expected);
      expect(forbiddenRange(`::${address}`)).toBeDefined();
      expect(forbiddenRange(`::ffff:0:${address}`)).toBeDefined();
    }
  });

  it.each<[range: string, kind: RegExp, addresses: readonly string[]]>([
    ["::/128", /unspecified/, ["::", "0:0:0:0:0:0:0:0"]],
    ["::1/128", /loopback/, ["::1", "0:0:0:0:0:0:0:1"]],
    ["fd00:ec2::/32", /metadata/, ["fd00:ec2::254", "fd00:ec2::23"]],
    ["fc00::/7", /private/, ["fc00::1", "fd12:3456::1", "fd20:ce::254"]],
    ["fe80::/10", /link-local/, ["fe80::1", "fe80::1%eth0", "febf::1%1"]],
    ["fec0::/10", /site-local/, ["fec0::1"]],
    ["ff00::/8", /multicast/, ["ff02::1", "ff02::1%eth0"]],
    ["2001:db8::/32", /documentation/, ["2001:db8::1"]],
    ["3fff::/20", /documentation/, ["3fff:fff::1"]],
    ["100::/63", /discard/, ["100::1", "100:0:0:1::1"]],
    ["2001:2::/48", /benchmarking/, ["2001:2::1"]],
    ["2001::/23", /reserved/, ["2001:10::1", "2001:1ff::1"]],
    // 127.0.0.1, 169.254.169.254 and 8.8.8.8 within.
    ["2002::/16", /6to4/, ["2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:808:808::1"]],
    ["2001::/32", /Teredo/, ["2001:0:7f00:1::", "2001::8080:fffe", "2001:0:808:808:0:0:f7f7:f7f7"]],
    ["::/96", /IPv4-compatible/, ["::7f00:1", "::808:808"]],
    ["::ffff:0:0:0/96", /IPv4-translated/, ["::ffff:0:7f00:1", "::ffff:0:808:808"]],
    ["64:ff9b:1::/48", /local NAT64/, ["64:ff9b:1::7f00:1"]],
    ["outside 2000::/3", /reserved/, ["4000::1", "5f00::1", "64:ff9b:0:1::1", "1::1"]],
  ])("of IPv6 in %s is forbidden", (range, kind, addresses) => {
    for (const address of addresses)
      expect(forbiddenRange(address)).toEqual({ kind: expect.stringMatching(kind) as unknown, range });
  });

  it.each([
    ...["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
    ...["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"],
    ...["198.17.255.255", "198.20.0.0", "223.255.255.255"],
    ...[
      "2606:4700::1111",
      "2001:4860:4860::8888",
      "2a00::1",
      "2000::1",
      "3ffe::1",
      "::ffff:8.8.8.8",
      "64:ff9b::808:808",
    ],
  ])("that is public is not: %s", (address) => {
    expect(forbiddenRange(address)).toBeUndefined();
  });

  it.each(["", "localhost", "1.2.3.4.5", "::g", "fe80::1%", "[::1]", "127.0.0.1 "])("that is none is: %j", (text) => {
    expect(forbiddenRange(text)).toBeDefined();
  });

  it("agrees with ipaddr.js where that reports a special range", () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((all) => [...all]);
    const addresses = fc
      .oneof(bytes(4), bytes(16))
      .map((all) => ipaddr.fromByteArray(all))
      // Registered to be reached by everybody, by name: AS112's sinks and AMT's relays.
      .filter((address) => !["unicast", "as112", "as112v6", "amt", "rfc6052"].includes(address.range()));
    fc.assert(
      fc.property(addresses, (address) => {
        expect(forbiddenRange(address.toString())).toBeDefined();
      }),
    );
  });

  it("that embeds another by NAT64 or mapping is treated as that one", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const range = forbiddenRange(address);
        expect(forbiddenRange(`::ffff:${address}`)).toEqual(range);
        expect(forbiddenRange(`64:ff9b::${address}`)).toEqual(range);
      }),
    );
  });
});

describe("a URL's host", () => {
  it.each([
    ...["http://127.0.0.1/", "http://127.0.0.1./", "http://127.1/", "http://127.0.1:8080/", "http://2130706433/"],
    ...["http://0x7f000001/", "http://0x7f.1/", "http://0X7F.0.0.0x1/", "http://0177.0.0.1/", "http://017700000001/"],
    ...[
      "http://%31%32%37.0.0.1/",
      "http://①②⑦.⓪.⓪.①/",
      "http://127。0。0。1/",
      "http://１２７.0.0.1/",
      "https:127.0.0.1",
    ],
    ...["http:\\\\127.0.0.1\\", "http://a.test@127.0.0.1/", "http://127.0.0.1#a.test/", "ht\ntp://127.0.\t0.1/"],
  ])("is 127.0.0.1 however it is written: %j", (url) => {
    expect(hostOf(url)).toBe("127.0.0.1");
    expect(forbiddenHost(hostOf(url))).toEqual({ kind: "a loopback address", range: "127.0.0.0/8" });
  });

  it.each<[string, string]>([
    ["http://[::1]/", "::1/128"],
    ["http://[0:0:0:0:0:0:0:1]:80/", "::1/128"],
    ["http://[::ffff:127.0.0.1]/", "127.0.0.0/8"],
    ["http://[::ffff:7f00:1]/", "127.0.0.0/8"],
    ["http://[::FFFF:A9FE:A9FE]/latest/meta-data/", "169.254.169.254/32"],
    ["http://[64:ff9b::10.0.0.1]/", "10.0.0.0/8"],
    ["http://[fd00:ec2::254]/", "fd00:ec2::/32"],
    ["http://0/", "0.0.0.0/8"],
    ["http://2852039166/", "169.254.169.254/32"],
    ["http://0xa9fea9fe/", "169.254.169.254/32"],
    ["http://0251.0376.0251.0376/", "169.254.169.254/32"],
    ["http://10.1/", "10.0.0.0/8"],
  ])("is known when it is an address: %s", (url, range) => {
    expect(forbiddenHost(hostOf(url))).toMatchObject({ range });
  });

  it.each([
    "localhost",
    "localhost.",
    "LOCALHOST",
    "app.localhost",
    "app.localhost.",
    "ｌｏｃａｌｈｏｓｔ",
    "local%68ost",
  ])("is known when it is a loopback name: %s", (name) => {
    expect(forbiddenHost(hostOf(`http://${name}/`))).toEqual({ kind: "a loopback name", range: "RFC 6761" });
  });

  it.each(["example.org", "localhost.example.org", "notlocalhost", "127.0.0.1.nip.io", "localhost.localdomain"])(
    "is left to its look-up when it is another name: %s",
    (name) => {
      expect(forbiddenHost(hostOf(`http://${name}/`))).toBeUndefined();
    },
  );

  it.each([
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://256.0.0.1/",
    "http://1.2.3.4.5/",
    "http://0x1g.1/",
  ])("cannot be %s: it is no URL", (url) => {
    expect(URL.canParse(url)).toBe(false);
  });

  it("that is a public address is not forbidden", () => {
    for (const url of ["http://8.8.8.8/", "http://134744072/", "http://[2606:4700::1111]/"])
      expect(forbiddenHost(hostOf(url))).toBeUndefined();
  });
});

/**
 * SSRF guard: targets without `private: true` may only be at public addresses. No I/O.
 *
 * ipaddr.js parses and matches addresses: unlike node:net's BlockList it reports the matched range and embedded addresses. The
 * ranges are IANA's special-purpose address registries.
 */
import ipaddr from "ipaddr.js";

/**
 * Addresses that a request may connect to: `public` only; also `private` networks; or `anywhere`, including localhost and
 * link-local addresses (instance metadata, Lambda's runtime API).
 */
export type Reach = "public" | "private" | "anywhere";

/** Addresses that are not public. */
export interface ForbiddenRange {
  /** `a loopback address` */
  readonly kind: string;
  /** `127.0.0.0/8` */
  readonly range: string;
}

/** {@link forbiddenRange}. Tests replace it, because their servers are on loopback. */
export type AddressFilter = (address: string) => ForbiddenRange | undefined;

export class ForbiddenAddressError extends Error {
  override readonly name = "ForbiddenAddressError";
  /** @param subject `localhost is`, `a.test resolves to 10.0.0.7,` */
  constructor(subject: string, { kind, range }: ForbiddenRange, reach: Reach) {
    const rule = reach === "public" ? "needs private: true" : "no redirect from another host may reach";
    super(`${subject} ${kind} (${range}), which ${rule}`);
  }
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Ranges = readonly (ForbiddenRange & { readonly parsed: [Address, number] })[];

const METADATA = "a cloud metadata address";
const PRIVATE = "a private address";
const CARRIER_NAT = "a carrier-grade NAT address (CGNAT)";

/** Private networks of {@link Reach}. VPCs may use carrier-grade NAT addresses too. */
const NETWORK_KINDS: ReadonlySet<string> = new Set([PRIVATE, CARRIER_NAT]);

/** The first match counts: narrow ranges before wide ones. */
const FORBIDDEN_IPV4 = ranges([
  [METADATA, "169.254.169.254/32"],
  [METADATA, "100.100.100.200/32"],
  [METADATA, "168.63.129.16/32"],
  ["an unspecified address", "0.0.0.0/8"],
  [PRIVATE, "10.0.0.0/8"],
  [CARRIER_NAT, "100.64.0.0/10"],
  ["a loopback address", "127.0.0.0/8"],
  ["a link-local address", "169.254.0.0/16"],
  [PRIVATE, "172.16.0.0/12"],
  ["a reserved address", "192.0.0.0/24"],
  ["a documentation address", "192.0.2.0/24"],
  ["a reserved address", "192.88.99.0/24"],
  [PRIVATE, "192.168.0.0/16"],
  ["a benchmarking address", "198.18.0.0/15"],
  ["a documentation address", "198.51.100.0/24"],
  ["a documentation address", "203.0.113.0/24"],
  ["a multicast address", "224.0.0.0/4"],
  ["the broadcast address", "255.255.255.255/32"],
  ["a reserved address", "240.0.0.0/4"],
]);

const FORBIDDEN_IPV6 = ranges([
  [METADATA, "fd00:ec2::/32"],
  ["an unspecified address", "::/128"],
  ["a loopback address", "::1/128"],
  [PRIVATE, "fc00::/7"],
  ["a link-local address", "fe80::/10"],
  ["a site-local address", "fec0::/10"],
  ["a multicast address", "ff00::/8"],
  ["a documentation address", "2001:db8::/32"],
  ["a documentation address", "3fff::/20"],
  ["a discard address", "100::/63"],
  // These embed an IPv4 address that a relay would connect to; no site is served from them.
  ["a Teredo address", "2001::/32"],
  ["a 6to4 address", "2002::/16"],
  ["an IPv4-compatible address", "::/96"],
  ["an IPv4-translated address", "::ffff:0:0:0/96"],
  ["a local NAT64 address", "64:ff9b:1::/48"],
  ["a benchmarking address", "2001:2::/48"],
  ["a reserved address", "2001::/23"],
]);

/** NAT64's well-known prefix: the translator connects to the IPv4 address in the last 32 bits, which is checked instead. */
const NAT64 = ipaddr.parseCIDR("64:ff9b::/96");

/** The only IPv6 range allocated for public unicast. */
const GLOBAL_UNICAST = "2000::/3";
const PARSED_GLOBAL_UNICAST = ipaddr.parseCIDR(GLOBAL_UNICAST);

const LOCALHOST: ForbiddenRange = { kind: "a loopback name", range: "RFC 6761" };

/** The range that makes an address (`127.0.0.1`, `::1`, `fe80::1%eth0`) non-public. Invalid addresses are forbidden. */
export function forbiddenRange(text: string): ForbiddenRange | undefined {
  if (!ipaddr.isValid(text)) return { kind: "an invalid address", range: "unknown" };
  // Connecting to an IPv4-mapped address (::ffff:127.0.0.1) connects to the IPv4 address.
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv4) return firstMatch(FORBIDDEN_IPV4, address);
  if (address.match(NAT64)) return forbiddenRange(address.toByteArray().slice(-4).join("."));
  const special = firstMatch(FORBIDDEN_IPV6, address);
  if (special !== undefined || address.match(PARSED_GLOBAL_UNICAST)) return special;
  return { kind: "a reserved address", range: `outside ${GLOBAL_UNICAST}` };
}

/**
 * {@link forbiddenRange} of a URL's host, without a lookup: an address, or `localhost` and its subdomains (RFC 6761).
 *
 * @param hostname of a parsed URL, which has normalised notations such as `0x7f.1` to `127.0.0.1`
 */
export function forbiddenHost(hostname: string, filter: AddressFilter = forbiddenRange): ForbiddenRange | undefined {
  const host = bareHost(hostname);
  if (ipaddr.isValid(host)) return filter(host);
  return /(^|\.)localhost$/i.test(host) ? LOCALHOST : undefined;
}

/** For sockets: an IPv6 address without brackets, a fully qualified name without its final dot. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** @throws {@link ForbiddenAddressError} */
export function assertHostAllowed(hostname: string, reach: Reach, filter: AddressFilter): void {
  const range = forbiddenHost(hostname, filter);
  if (isBeyond(range, reach)) throw new ForbiddenAddressError(`${hostname} is`, range, reach);
}

/**
 * One forbidden address forbids the name: else the outcome would depend on which address responds. Public sites have no such
 * addresses; DNS rebinding attacks do.
 *
 * @throws {@link ForbiddenAddressError}
 */
export function assertAddressesAllowed(
  hostname: string,
  addresses: readonly { readonly address: string }[],
  reach: Reach,
  filter: AddressFilter,
): void {
  for (const { address } of addresses) {
    const range = filter(address);
    if (isBeyond(range, reach)) throw new ForbiddenAddressError(`${hostname} resolves to ${address},`, range, reach);
  }
}

function isBeyond(range: ForbiddenRange | undefined, reach: Reach): range is ForbiddenRange {
  if (range === undefined || reach === "anywhere") return false;
  return reach !== "private" || !NETWORK_KINDS.has(range.kind);
}

function ranges(list: readonly (readonly [kind: string, range: string])[]): Ranges {
  return list.map(([kind, range]) => ({ kind, range, parsed: ipaddr.parseCIDR(range) }));
}

function firstMatch(list: Ranges, address: Address): ForbiddenRange | undefined {
  const match = list.find(({ parsed }) => address.match(parsed));
  return match && { kind: match.kind, range: match.range };
}

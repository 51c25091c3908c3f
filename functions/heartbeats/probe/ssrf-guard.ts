/**
 * Which addresses a target that is not marked `private: true` may lead to: public ones. No I/O.
 *
 * Addresses are parsed and matched by ipaddr.js, for node:net's BlockList matches but tells neither which range it was nor what
 * address is embedded in another; the ranges themselves are IANA's registries of special-purpose addresses.
 */
import ipaddr from "ipaddr.js";

/**
 * How far a request may lead: to `public` addresses; also into `private` networks; or `anywhere`, which is also to this machine
 * and to where the platform talks to it: there credentials are given away, and a Lambda's next event.
 */
export type Reach = "public" | "private" | "anywhere";

/** Addresses that are not public. */
export interface ForbiddenRange {
  /** With its article: `a loopback address`. */
  readonly kind: string;
  /** `127.0.0.0/8` */
  readonly range: string;
}

/** {@link forbiddenRange}, or what tests put in its place: every server of theirs is on loopback. */
export type AddressFilter = (address: string) => ForbiddenRange | undefined;

/** A request led further than it may. */
export class ForbiddenAddressError extends Error {
  override readonly name = "ForbiddenAddressError";
  /** @param what `localhost is`, `a.test resolves to 10.0.0.7,` */
  constructor(what: string, { kind, range }: ForbiddenRange, reach: Reach) {
    const who = reach === "public" ? "only a target with private: true" : "no redirect from elsewhere";
    super(`${what} ${kind} (${range}), where ${who} may lead`);
  }
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Ranges = readonly (ForbiddenRange & { readonly parsed: [Address, number] })[];

const METADATA = "a cloud metadata address";
const PRIVATE = "a private address";
const CARRIER = "a shared address of a carrier (CGNAT)";

/** What {@link Reach} calls private networks; AWS uses a carrier's addresses for networks of one's own, too. */
const NETWORK_KINDS: ReadonlySet<string> = new Set([PRIVATE, CARRIER]);

/** The first that matches counts: what is narrow stands before what is wide. */
const FORBIDDEN_IPV4 = ranges([
  [METADATA, "169.254.169.254/32"],
  [METADATA, "100.100.100.200/32"],
  [METADATA, "168.63.129.16/32"],
  ["an unspecified address", "0.0.0.0/8"],
  [PRIVATE, "10.0.0.0/8"],
  [CARRIER, "100.64.0.0/10"],
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
  // Whatever IPv4 address these embed, a relay or a translator would reach it, and no site is served from them any more.
  ["a Teredo address", "2001::/32"],
  ["a 6to4 address", "2002::/16"],
  ["an IPv4-compatible address", "::/96"],
  ["an IPv4-translated address", "::ffff:0:0:0/96"],
  ["an address of a local NAT64", "64:ff9b:1::/48"],
  ["a benchmarking address", "2001:2::/48"],
  ["a reserved address", "2001::/23"],
]);

/** NAT64's well-known prefix: the translator connects to the IPv4 address in the last 32 bits, so that is the one to judge. */
const NAT64 = ipaddr.parseCIDR("64:ff9b::/96");

/** All of IPv6 that has been given out to the public. What will be given out one day is nobody's until then. */
const GLOBAL_UNICAST = "2000::/3";
const PARSED_GLOBAL_UNICAST = ipaddr.parseCIDR(GLOBAL_UNICAST);

const LOCALHOST: ForbiddenRange = { kind: "a name of this machine", range: "RFC 6761" };

/**
 * The range that forbids an address (`127.0.0.1`, `::1`, `fe80::1%eth0`) to targets that are not private; undefined: it is
 * public. What is not an address at all is forbidden.
 */
export function forbiddenRange(text: string): ForbiddenRange | undefined {
  if (!ipaddr.isValid(text)) return { kind: "no address", range: "unknown" };
  // An IPv4-mapped address (::ffff:127.0.0.1) is the IPv4 address to whoever connects to it.
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv4) return firstMatch(FORBIDDEN_IPV4, address);
  if (address.match(NAT64)) return forbiddenRange(address.toByteArray().slice(-4).join("."));
  const special = firstMatch(FORBIDDEN_IPV6, address);
  if (special !== undefined || address.match(PARSED_GLOBAL_UNICAST)) return special;
  return { kind: "a reserved address", range: `outside ${GLOBAL_UNICAST}` };
}

/**
 * The range that forbids a URL's host, as far as that can be known without a look-up: of an address, and of `localhost` and the
 * names under it, which are this machine's whatever a name server says (RFC 6761).
 *
 * @param hostname a URL's own, which has made one of the many ways to write an IPv4 address: `0x7f.1` is `127.0.0.1` there
 */
export function forbiddenHost(hostname: string, judge: AddressFilter = forbiddenRange): ForbiddenRange | undefined {
  const host = bareHost(hostname);
  if (ipaddr.isValid(host)) return judge(host);
  return /(^|\.)localhost$/i.test(host) ? LOCALHOST : undefined;
}

/** A URL's host as sockets want it: an IPv6 address without its brackets, a fully qualified name without its final dot. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/**
 * Refuses a URL's host for what it is.
 *
 * @throws {@link ForbiddenAddressError}
 */
export function assertHostAllowed(hostname: string, reach: Reach, judge: AddressFilter): void {
  const range = forbiddenHost(hostname, judge);
  if (isBeyond(range, reach)) throw new ForbiddenAddressError(`${hostname} is`, range, reach);
}

/**
 * Refuses a name one of whose addresses is forbidden, though others may be public: which of them answers is chance, so the
 * target would be up on some days and forbidden on others; and no public site's name has such addresses, but a name that is to
 * slip past a guard does.
 *
 * @throws {@link ForbiddenAddressError}
 */
export function assertAddressesAllowed(
  hostname: string,
  addresses: readonly { readonly address: string }[],
  reach: Reach,
  judge: AddressFilter,
): void {
  for (const { address } of addresses) {
    const range = judge(address);
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
  const found = list.find(({ parsed }) => address.match(parsed));
  return found && { kind: found.kind, range: found.range };
}

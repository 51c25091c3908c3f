/** The certificates of a server. */
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import {
  checkServerIdentity,
  rootCertificates,
  TLSSocket,
  type DetailedPeerCertificate,
  type PeerCertificate,
} from "node:tls";

import type { HttpResponse } from "./http-types";

/** Issuers are missing, against Node's types, where the server did not send them. */
type ChainCertificate = PeerCertificate & Partial<Pick<DetailedPeerCertificate, "issuerCertificate">>;

type CertificateDetails = Pick<HttpResponse, "certificateExpiresAt" | "certificateFingerprint">;

/**
 * Records the certificates of one connection. Node reads the chain once, to compare its names; to read it again would cost as much
 * as all else in a check.
 */
export class CertificateRecorder {
  /** The first to expire, once the connection is made. */
  first: CertificateDetails = { certificateExpiresAt: undefined };
  private leaf: string | undefined;

  /** @param authorities trusted certificates (PEM). @default the public ones */
  constructor(private readonly authorities?: string) {}

  readonly tlsOptions = {
    checkServerIdentity: (hostname: string, leaf: PeerCertificate): Error | undefined => {
      this.first = firstToExpire(leaf, this.authorities);
      return checkServerIdentity(hostname, leaf);
    },
  };

  /** The chain of a handshake that fails is not compared, and its leaf can be read at no later event. */
  readonly readLeaf = (socket: Socket): void => {
    if (!(socket instanceof TLSSocket)) return;
    socket.prependOnceListener("secure", () => {
      this.leaf = fingerprintOf(socket.getPeerCertificate());
    });
  };

  /** The error with the property `certificateFingerprint`, if there was a certificate. */
  addTo(error: Error): Error {
    const certificateFingerprint = this.first.certificateFingerprint ?? this.leaf;
    return certificateFingerprint === undefined ? error : Object.assign(error, { certificateFingerprint });
  }
}

/** The certificate of the chain that expires first, up to a trusted key. */
function firstToExpire(leaf: ChainCertificate, authorities: string | undefined): CertificateDetails {
  const chain = chainOf(leaf);
  const first = earliest(chain);
  if (first === undefined) return { certificateExpiresAt: undefined };
  const needed = first.certificate === leaf ? first : (earliest(untilTrusted(chain, authorities)) ?? first);
  return { certificateExpiresAt: needed.expiresAt, certificateFingerprint: fingerprintOf(needed.certificate) };
}

function earliest(chain: readonly ChainCertificate[]) {
  const [first] = chain
    .map((certificate) => ({ certificate, expiresAt: Date.parse(certificate.valid_to) }))
    .filter(({ expiresAt }) => !Number.isNaN(expiresAt))
    .sort((a, b) => a.expiresAt - b.expiresAt);
  return first;
}

/**
 * Without certificates of trusted keys, and those above: a new authority is also sent as an intermediate of an old one, for clients that
 * do not trust it yet. When that cross-signed certificate expires, this client does not notice.
 */
function untilTrusted(
  chain: readonly ChainCertificate[],
  authorities: string | undefined,
): readonly ChainCertificate[] {
  const keys = trustedKeys(authorities);
  const end = chain.findIndex(({ raw }) => keys.has(keyOf(new X509Certificate(raw))));
  return end === -1 ? chain : chain.slice(0, end);
}

const trusted = new Map<string | undefined, ReadonlySet<string>>();

/** Read only where an intermediate expires before its leaf: there are more than a hundred public ones. */
function trustedKeys(authorities: string | undefined): ReadonlySet<string> {
  const certificates =
    authorities?.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? rootCertificates;
  const keys = trusted.get(authorities) ?? new Set(certificates.map((pem) => keyOf(new X509Certificate(pem))));
  trusted.set(authorities, keys);
  return keys;
}

/** The same for all certificates of one key, by any issuer. */
function keyOf({ subject, publicKey }: X509Certificate): string {
  return `${subject} ${publicKey.export({ type: "spki", format: "der" }).toString("base64")}`;
}

/** SHA-256 in lower-case hexadecimal. */
function fingerprintOf({ fingerprint256 }: Partial<Pick<PeerCertificate, "fingerprint256">>): string | undefined {
  return fingerprint256?.replaceAll(":", "").toLowerCase();
}

/** The leaf and its intermediates. Without the root: it is trusted whatever its dates, and is its own issuer. */
function chainOf(leaf: ChainCertificate): readonly ChainCertificate[] {
  const chain = [leaf];
  for (let next = issuerOf(leaf); next !== undefined && !chain.includes(next); next = issuerOf(next)) {
    if (issuerOf(next) === next) break;
    chain.push(next);
  }
  return chain;
}

function issuerOf({ issuerCertificate }: ChainCertificate): ChainCertificate | undefined {
  return issuerCertificate;
}

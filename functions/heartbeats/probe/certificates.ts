/** The certificates of a server. */
import type { Socket } from "node:net";
import { checkServerIdentity, TLSSocket, type DetailedPeerCertificate, type PeerCertificate } from "node:tls";

import type { HttpResponse } from "./http-types";

/** Issuers are missing, against Node's types, where the server did not send them. */
export type ChainCertificate = PeerCertificate & Partial<Pick<DetailedPeerCertificate, "issuerCertificate">>;

type CertificateDetails = Pick<HttpResponse, "certificateExpiresAt" | "certificateFingerprint">;

/**
 * Records the certificates of one connection. Node reads the chain once, to compare its names; to read it again would cost as much
 * as all else in a check.
 */
export class CertificateRecorder {
  /** The first to expire, once the connection is made. */
  first: CertificateDetails = { certificateExpiresAt: undefined };
  private leaf: string | undefined;

  readonly tlsOptions = {
    checkServerIdentity: (hostname: string, leaf: PeerCertificate): Error | undefined => {
      this.first = firstToExpire(leaf);
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

/** The certificate of the chain that expires first. */
export function firstToExpire(leaf: ChainCertificate): CertificateDetails {
  const [first] = chainOf(leaf)
    .map((certificate) => ({ certificate, expiresAt: Date.parse(certificate.valid_to) }))
    .filter(({ expiresAt }) => !Number.isNaN(expiresAt))
    .sort((a, b) => a.expiresAt - b.expiresAt);
  if (first === undefined) return { certificateExpiresAt: undefined };
  return { certificateExpiresAt: first.expiresAt, certificateFingerprint: fingerprintOf(first.certificate) };
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

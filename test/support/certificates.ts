/** Certificates for servers on loopback. */
import { webcrypto } from "node:crypto";

import * as x509 from "@peculiar/x509";

import { DAY_MS } from "../../functions/shared/time";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A certificate and its private key, PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** Names and IP addresses the certificate is for. */
  readonly hosts: readonly string[];
  /** Days from now until it expires; negative: it has expired. */
  readonly daysLeft: number;
  /** The OID of an extension that a client must know to accept the certificate. @default none */
  readonly criticalExtension?: string;
}

/** A certificate authority made for one test run. */
export interface CertificateAuthority {
  /** Its own certificate, PEM: what a client must trust. */
  readonly cert: string;
  issue(request: CertificateRequest): Promise<ServerCertificate>;
  /** An authority below this one. Servers send its certificate after their own. */
  intermediate(name: string, daysLeft: number): Promise<CertificateAuthority>;
  /** The certificate of another authority's key, PEM, as it is sent to clients that trust only this one. */
  crossSign(other: CertificateAuthority, daysLeft: number): Promise<string>;
}

export async function createAuthority(name: string): Promise<CertificateAuthority> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const issuer = `CN=${name}`;
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: issuer,
    notBefore: new Date(Date.now() - 400 * DAY_MS),
    notAfter: new Date(Date.now() + 400 * DAY_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
  });
  return authorityOf(authority, keys, name);
}

function authorityOf(
  authority: x509.X509Certificate,
  keys: webcrypto.CryptoKeyPair,
  name: string,
): CertificateAuthority {
  let serial = 1;
  const issuer = authority.subject;
  return {
    cert: authority.toString("pem"),
    intermediate: async (below, daysLeft) => {
      const belowKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(2, "0"),
        subject: `CN=${below}`,
        issuer,
        notBefore: new Date(Date.now() - 300 * DAY_MS),
        notAfter: new Date(Date.now() + daysLeft * DAY_MS),
        signingKey: keys.privateKey,
        publicKey: belowKeys.publicKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
      });
      return authorityOf(certificate, belowKeys, below);
    },
    crossSign: async (other, daysLeft) => {
      const { subject, publicKey } = new x509.X509Certificate(other.cert);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(2, "0"),
        subject,
        issuer,
        notBefore: new Date(Date.now() - 300 * DAY_MS),
        notAfter: new Date(Date.now() + daysLeft * DAY_MS),
        signingKey: keys.privateKey,
        publicKey,
        signingAlgorithm: ALGORITHM,
        extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
      });
      return certificate.toString("pem");
    },
    issue: async ({ hosts, daysLeft, criticalExtension }) => {
      const leaf = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: (++serial).toString(16).padStart(2, "0"),
        subject: `CN=${hosts[0] ?? name}`,
        issuer,
        notBefore: new Date(Date.now() - 300 * DAY_MS),
        notAfter: new Date(Date.now() + daysLeft * DAY_MS),
        signingKey: keys.privateKey,
        publicKey: leaf.publicKey,
        signingAlgorithm: ALGORITHM,
        extensions: [
          new x509.SubjectAlternativeNameExtension(hosts.map(alternativeName)),
          ...(criticalExtension === undefined ? [] : [new x509.Extension(criticalExtension, true, DER_NULL)]),
        ],
      });
      const key = await webcrypto.subtle.exportKey("pkcs8", leaf.privateKey);
      return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
    },
  };
}

const DER_NULL = new Uint8Array([5, 0]);

function alternativeName(host: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(host) ? "ip" : "dns", value: host };
}

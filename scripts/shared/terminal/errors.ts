/** Turns any error into sentences for a person: no stack traces, no JSON, no ARNs. */
import { appendFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode, errorMessage, errorName, isObject } from "../../../functions/shared/errors";
import { describeFileError } from "./file-errors";

/** Stack traces of errors that are faults of Almanac, the latest last. */
export const ERROR_LOG = ".almanac/error.log";

const CREDENTIAL_ERRORS: ReadonlySet<string> = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "UnrecognizedClientException",
  "AuthFailure",
  "TokenProviderError",
]);

/** What the error says to a person, never nothing. Of one that no code expects, the stack trace goes to {@link ERROR_LOG}. */
export function describeError(error: unknown): string {
  const known = describeKnown(error);
  if (known !== undefined) return shortenArns(known);
  const log = logStack(error);
  return `${shortenArns(errorMessage(error) || errorName(error))}\nThis is a fault of Almanac.${log ? ` Its stack trace is in ${ERROR_LOG}.` : ""}`;
}

function describeKnown(error: unknown): string | undefined {
  const name = errorName(error);
  const message = errorMessage(error);
  const issues = issuesOf(error);
  if (issues !== undefined) return `Unexpected data: ${issues}`;
  if (CREDENTIAL_ERRORS.has(name)) return describeCredentials(name, message);
  const refused = /is not authorized to perform: (\S+?)(?: on resource: "?(\S+?)"?)?(?:[\s,]|$)/.exec(message);
  if (refused) return describeAccessDenied(refused);
  const port = describeListen(error);
  if (port !== undefined) return port;
  const untrusted = untrustedCertificate(error);
  if (untrusted !== undefined) return untrusted;
  const host = unreachableHost(error);
  if (host !== undefined) return host;
  const file = describeFileError(error);
  if (file !== undefined) return file;
  if (isObject(error) && "$metadata" in error) return `AWS answered ${name}: ${message}`;
  // Our own classes are named for what happened; JavaScript's are programming errors.
  const isOurs = name.endsWith("Error") && name !== "Error" && !BUILT_IN.has(name) && message !== "";
  return isOurs ? message : undefined;
}

const BUILT_IN: ReadonlySet<string> = new Set([
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "EvalError",
  "URIError",
  "AggregateError",
  "AssertionError",
]);

function describeCredentials(name: string, message: string): string {
  return name === "CredentialsProviderError" || name === "TokenProviderError"
    ? "No AWS credentials were found. Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID."
    : /expired/i.test(name + message)
      ? "The AWS credentials have expired. Sign in again (aws sso login)."
      : `AWS does not accept the credentials (${name}). Check AWS_PROFILE and AWS_REGION, or sign in again.`;
}

function describeAccessDenied([, action = "", resource]: RegExpExecArray): string {
  const where = resource === undefined || resource === "*" ? "" : ` on ${resource}`;
  return `AWS denied ${action}${where}: the role of these credentials does not allow it.`;
}

/** A server's port that it cannot have. */
function describeListen(error: unknown): string | undefined {
  const reason = LISTEN_ERRORS[errorCode(error) ?? ""];
  if (reason === undefined || !isObject(error) || !("syscall" in error) || error.syscall !== "listen") return undefined;
  return `${reason}: ${hostOf(error)}. Pass another: --port <n>`;
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Another program uses this port",
  EACCES: "The system does not allow this user to listen on this port (below 1024, only root may)",
  EADDRNOTAVAIL: "This machine does not have this address",
};

/** Of a connection, often through a company's proxy. */
function untrustedCertificate(error: unknown): string | undefined {
  return firstInside(error, (inner) =>
    CERTIFICATE_ERRORS.test(errorCode(inner) ?? "")
      ? `The server's certificate is not trusted: ${errorMessage(inner)}. Behind a proxy that has its own, set NODE_EXTRA_CA_CERTS to the file of its certificate authority.`
      : undefined,
  );
}

const CERTIFICATE_ERRORS = /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)_|CERT_|ERR_TLS_CERT_)/;

/** The first failed connection among an error and its causes, as a sentence. */
function unreachableHost(error: unknown): string | undefined {
  return firstInside(error, (inner) => {
    const sentence = NETWORK_ERRORS[errorCode(inner) ?? ""];
    if (sentence === undefined) return undefined;
    const host = hostOf(inner);
    return `${sentence}${host === "" ? "" : `: ${host}`}`;
  });
}

/** `127.0.0.1:4566` */
function hostOf(error: object): string {
  const { address, port, hostname } = error as { address?: unknown; port?: unknown; hostname?: unknown };
  return [hostname ?? address, port]
    .filter((part) => part !== undefined)
    .map(String)
    .join(":");
}

/** The first description among an error and its causes. */
function firstInside(error: unknown, describe: (error: object) => string | undefined, depth = 0): string | undefined {
  if (!isObject(error) || depth > 4) return undefined;
  const own = describe(error);
  if (own !== undefined) return own;
  const inner: readonly unknown[] = [
    ...("cause" in error ? [error.cause] : []),
    ...("errors" in error && Array.isArray(error.errors) ? (error.errors as readonly unknown[]) : []),
  ];
  return inner.map((each) => firstInside(each, describe, depth + 1)).find((each) => each !== undefined);
}

const NETWORK_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: "Another program uses this port",
  ECONNREFUSED: "Nothing answers at this address",
  ECONNRESET: "The connection was closed",
  ENOTFOUND: "The host name does not resolve",
  EAI_AGAIN: "The name server does not answer",
  ETIMEDOUT: "The connection timed out",
  EHOSTUNREACH: "The host is unreachable",
  ENETUNREACH: "The network is unreachable",
  UND_ERR_CONNECT_TIMEOUT: "The connection timed out",
  UND_ERR_SOCKET: "The connection was closed",
};

/** zod's issues as `path: message`, by shape: this module loads no zod. */
function issuesOf(error: unknown): string | undefined {
  if (!/^\$?Zod(Real)?Error$/.test(errorName(error)) || !isObject(error) || !("issues" in error)) return undefined;
  const issues: readonly unknown[] = Array.isArray(error.issues) ? error.issues : [];
  return issues
    .map((issue) => {
      const path =
        isObject(issue) && "path" in issue && Array.isArray(issue.path) ? issue.path.map(String).join(".") : "";
      return `${path === "" ? "" : `${path}: `}${errorMessage(issue)}`;
    })
    .join("; ");
}

/** `arn:aws:dynamodb:eu-central-1:123456789012:table/orders` becomes `table/orders`. */
export function shortenArns(text: string): string {
  return text.replace(/\barn:[\w-]+:[\w-]+:[\w-]*:\d*:([^\s"',;)]+)/g, "$1");
}

/** The last that were logged: the console polls, and would log the same fault every two seconds. */
const logged = new Set<string>();
const MOST_LOGGED = 100;

function logStack(error: unknown): boolean {
  const stack = error instanceof Error ? (error.stack ?? error.message) : errorMessage(error);
  if (logged.has(stack) && existsSync(ERROR_LOG)) return true;
  try {
    mkdirSync(dirname(ERROR_LOG), { recursive: true });
    appendFileSync(ERROR_LOG, `${new Date().toISOString()} ${stack}\n`);
    if (logged.size === MOST_LOGGED) logged.clear();
    logged.add(stack);
    return true;
  } catch {
    return false;
  }
}

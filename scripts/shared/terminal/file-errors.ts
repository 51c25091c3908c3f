/** What an error of the file system says to a person: what, where, and what to do. */
import { statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { errorCode, isObject } from "../../../functions/shared/errors";
import { madeFolders } from "../folder";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "is a folder",
  ENOTDIR: "is not a folder",
  ENOSPC: "no space left on the disk",
  EDQUOT: "this user's share of the disk is used up",
  EEXIST: "exists already",
  ENAMETOOLONG: "the name is too long for a file",
  EROFS: "the disk is read-only",
  ELOOP: "is a link that leads to itself",
  EMFILE: "too many open files: ulimit -n shows the limit",
};

const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);
const REFUSED: ReadonlySet<string> = new Set(["EACCES", "EPERM"]);

/** A command writes more than this. */
const LEAST_FREE_BYTES = 1024 * 1024;

/** `no space left on the disk`; undefined: it is no error of a file. */
export function reasonOf(error: unknown): string | undefined {
  return REASONS[errorCode(error) ?? ""];
}

/** Undefined: it is no error of a file. */
export function describeFileError(error: unknown): string | undefined {
  const code = errorCode(error) ?? "";
  const reason = reasonOf(error);
  if (reason === undefined || !isObject(error)) return undefined;
  // A copy fails for want of space in its destination.
  const dest = "dest" in error && typeof error.dest === "string" && NO_SPACE.has(code) ? error.dest : undefined;
  const path = dest ?? ("path" in error && typeof error.path === "string" ? error.path : undefined);
  if (path !== undefined) return `${path}: ${reason}${adviceFor(code, path)}`;
  // Writes name no file.
  return NO_SPACE.has(code) ? `${fullPlaces()}: ${reason}${adviceFor(code, ".")}` : undefined;
}

/** As Node.js words the errors of a program that has ended: `ENOSPC: no space left on device, copyfile '/from' -> '/to'`. */
const MESSAGE = /^(E[A-Z]+): [^,]+, (\w+)(?: '([^']*)')?(?: -> '([^']*)')?$/;

/** Undefined: the message is not that of a disk that is full or cannot be written. */
export function describeDiskMessage(message: string): string | undefined {
  const [, code = "", , path, dest] = MESSAGE.exec(message) ?? [];
  if (!NO_SPACE.has(code) && !REFUSED.has(code) && code !== "EROFS") return undefined;
  return describeFileError({ code, ...(path !== undefined && { path }), ...(dest !== undefined && { dest }) });
}

function adviceFor(code: string, path: string): string {
  if (NO_SPACE.has(code)) return ". Free some, and run the command again.";
  if (!REFUSED.has(code)) return "";
  const owned = ownedByAnother(path);
  return owned === undefined
    ? ""
    : `. ${owned.path} belongs to ${owned.owner}: sudo chown -R "$(id -un)" ${owned.path}`;
}

/** The outermost part of a path in the project that this user does not own: often root does, after a command with sudo or in a container. */
function ownedByAnother(path: string): { readonly path: string; readonly owner: string } | undefined {
  const within = relative(".", path);
  if (within.startsWith("..")) return undefined;
  const parts = within.split(sep);
  for (let count = 1; count <= parts.length; count += 1) {
    const part = join(...parts.slice(0, count));
    const uid = statSync(part, { throwIfNoEntry: false })?.uid;
    if (uid === undefined) return undefined;
    if (uid !== process.getuid?.()) return { path: part, owner: uid === 0 ? "root" : `user ${uid}` };
  }
  return undefined;
}

/** Where commands write: those without space, else all. */
function fullPlaces(): string {
  const places = [".almanac", "cdktf.out", tmpdir()];
  const full = [...places, ...madeFolders()].filter(isFull).filter(isOutermost);
  return (full.length === 0 ? places : full).join(" or ");
}

function isOutermost(place: string, _: number, all: readonly string[]): boolean {
  return !all.some((other) => resolve(place).startsWith(resolve(other) + sep));
}

function isFull(place: string): boolean {
  try {
    const { bavail, bsize, ffree, files } = statfsSync(place);
    // Some file systems count no files.
    return bavail * bsize < LEAST_FREE_BYTES || (files > 0 && ffree === 0);
  } catch {
    return false;
  }
}

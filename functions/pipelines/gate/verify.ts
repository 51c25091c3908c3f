/** Verifies the signature of a webhook's delivery. */
import { UnauthorizedError } from "../../shared/handlers/http-errors";
import type { WebhookVerification } from "../contract";
import { SignatureError, verifySignature, type SignedRequest } from "./signatures";

/** @throws {@link UnauthorizedError}, with the reason as its cause */
export function verifyOrReject(
  request: SignedRequest,
  verification: WebhookVerification | undefined,
  secrets: readonly string[],
  now: number,
): string {
  try {
    if (verification === undefined) throw new SignatureError("the pipeline has no webhook");
    return verifySignature(request, verification, secrets, now);
  } catch (cause) {
    if (cause instanceof SignatureError) throw new UnauthorizedError(cause.message);
    throw cause;
  }
}

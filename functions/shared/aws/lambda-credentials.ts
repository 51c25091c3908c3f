/**
 * What handlers are bundled with in place of the SDK's credential chain: Lambda puts credentials into the environment, so the
 * rest of the chain (profiles, SSO, STS, instance metadata: 110 kB) is never asked.
 */
import { fromEnv } from "@aws-sdk/credential-provider-env";

/** Takes the name that the SDK's clients import from @aws-sdk/credential-provider-node. */
export const defaultProvider = () => fromEnv();

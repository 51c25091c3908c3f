/**
 * Bundled into handlers instead of the SDK's credential chain. Lambda sets credentials in the environment, so the rest of the chain
 * (profiles, SSO, STS, instance metadata: 110 kB) is unused.
 */
import { fromEnv } from "@aws-sdk/credential-provider-env";

/** The name that the SDK's clients import from @aws-sdk/credential-provider-node. */
export const defaultProvider = () => fromEnv();

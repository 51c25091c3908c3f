/** Terraform 1.10 introduced native locking of S3 state. */
export const REQUIRED_TERRAFORM = ">= 1.10";

export const REQUIRED_PROVIDERS = { aws: { source: "hashicorp/aws", version: "~> 5.100" } } as const;

/** Terraform 1.10 introduced native locking of S3 state. */
export const REQUIRED_TERRAFORM = ">= 1.10";

export const REQUIRED_PROVIDERS = { aws: { source: "hashicorp/aws", version: "~> 5.100" } } as const;

/** The newest Node that Lambda runs and the AWS provider 5.100 knows. */
export const LAMBDA_RUNTIME = "nodejs22.x";

/** As far as we use it; it comes without types. */
declare module "asl-validator" {
  function validate(definition: unknown): {
    readonly isValid: boolean;
    readonly errors: readonly ({ readonly Message: string } | { readonly "Error code": string })[];
  };
  export = validate;
}

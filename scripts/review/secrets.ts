/** Recognises values that are secrets although Terraform does not mark them: a plain variable of a function, for example. */
import { plainSecrets } from "../../functions/shared/plain-secret";

/** @param path as `environment.0.variables.API_KEY` */
export function isSecretAt(path: string, value: string): boolean {
  const names = path.split(".").filter((name) => !/^\d+$/.test(name));
  return plainSecrets(names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)).length > 0;
}

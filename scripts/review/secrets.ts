/** Recognises values that look like secrets although Terraform does not mark them: a plain variable of a function, for example. */

/** Formats of well-known tokens, and what only secrets begin with. */
const TOKEN =
  /\b(sk|pk|rk|whsec|xox[abeprs]|gh[opsur]|github_pat|glpat|npm|AKIA|ASIA|AIza|SG\.|EAAC|shpat|dop_v1|hf)[_\-.A-Za-z0-9]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{8,}\.[\w-]{8,}\.|hooks\.slack\.com\/services\/|:\/\/[^/\s:@]+:[^/\s:@]+@/;

const SECRET_NAME = /(secret|token|password|passwd|api_?key|private_?key|credential|signing_?key)/i;

/** Random text: long, of letters and digits, no path, ARN or sentence. */
const RANDOM = /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+/_=.~-]{12,}$/;

export function looksSecret(path: string, value: string): boolean {
  if (TOKEN.test(value)) return true;
  const name = path.split(".").at(-1) ?? path;
  return SECRET_NAME.test(name) && RANDOM.test(value) && !/^(\/|arn:)/.test(value);
}

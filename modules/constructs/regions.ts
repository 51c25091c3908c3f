/** The names of AWS' regions, of all partitions: a place that is none is a mistake wherever it stands. */

const PLACE = "(?:north|south|central|(?:north|south)?(?:east|west))-\\d";

/** Regions of the partitions aws, aws-cn and aws-us-gov. Secret regions and the European sovereign cloud have other domains. */
export const PUBLIC_REGION = new RegExp(`^(?:af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-${PLACE}$`);

const OTHER_REGION = new RegExp(`^(?:us-iso[a-z]?|eu-iso[a-z]?|eusc-[a-z]{2})-${PLACE}$`);

/** The region and the account of an ARN, and the region of a queue's or an API's URL. */
const ARN = /^arn:aws[\w-]*:[\w-]+:([^:]*):([^:]*):/;
const HOST = /^(?:https?:\/\/)?(?:[\w-]+\.)?(?:sqs|execute-api)\.([^./]+)\.amazonaws\.com/;

/** What is wrong with the region and the account that a text has, if it is an ARN or such a URL. `*` is any of them. */
export function placeFaults(text: string): string[] {
  const [, region = HOST.exec(text)?.[1] ?? "", account = ""] = ARN.exec(text) ?? [];
  const isRegion = /^\*?$/.test(region) || PUBLIC_REGION.test(region) || OTHER_REGION.test(region);
  return [
    ...(isRegion ? [] : [`has ${text}, whose region ${region} does not exist`]),
    ...(/^\d/.test(account) && !/^\d{12}$/.test(account) ? [`has ${text}, whose account has not 12 digits`] : []),
  ];
}

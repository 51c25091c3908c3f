/** What roles allow though no end-to-end test needs it, each with its reason. One that nothing needs any more fails the tests. */

export interface Exception {
  /** The role's name. */
  readonly role: RegExp;
  /** The statement's Sid: mostly, the variable that the permission comes with. */
  readonly statement: RegExp;
  /** An action or a resource of the statement. @default all of them */
  readonly part?: RegExp;
  readonly because: string;
}

export const EXCEPTIONS: readonly Exception[] = [
  // What AWS does by itself, under a role of ours. The emulator does it, too, but as nobody.
  {
    role: /^almanac-local-/,
    statement: /^Logs$/,
    because: "Lambda and Step Functions write logs under the role; the emulator's write them as nobody",
  },
  {
    role: /^almanac-local-/,
    statement: /^Traces$/,
    because: "Lambda and Step Functions send traces under the role; the emulator has no X-Ray",
  },
  {
    role: /-(callback|ingest|take-jobs)$/,
    statement: /^Queue$/,
    because: "Lambda polls the function's queue under the role; the emulator's pollers are nobody",
  },
  {
    role: /-notify$/,
    statement: /^Stream$/,
    because: "Lambda reads the function's stream under the role; the emulator's pollers are nobody",
  },
  {
    role: /^almanac-local-/,
    statement: /^(DeadLetterQueue|StreamFailures)$/,
    because: "Lambda sends dead letters under the role; the emulator's does it as nobody",
  },
  {
    role: /-ingest$/,
    statement: /^ArchiveBucketKey$/,
    part: /^kms:Decrypt$/,
    because: "S3's documentation asks writers for it, too, for uploads in parts; only a real account would tell",
  },

  // Exports by DynamoDB itself: the emulator says that one is complete, and writes nothing.
  {
    role: /^almanac-local-exports-native$/,
    statement: /^(StateTable|Tables|Buckets)$/,
    because: "the emulator's exports by DynamoDB write no files, so that none of them comes to its end",
  },
  {
    role: /^almanac-local-exports-run$/,
    statement: /^Native$/,
    because: "the emulator's exports by DynamoDB write no files, so that none of them comes to its end",
  },
  {
    role: /^almanac-local-exports-finish$/,
    statement: /^Buckets$/,
    part: /\/by-dynamodb\/\*$/,
    because: "the emulator's exports by DynamoDB write no files, so that none of them comes to its end",
  },

  // Exports that the tests let fail, or that have nothing to write.
  {
    role: /^almanac-local-exports-(read|finish)$/,
    statement: /^(Buckets|Tables)$/,
    part: /e2e-there-is-no-such-|\/no-table\/\*$/,
    because: "of exports that are made to fail, for want of their table or bucket: they come no further",
  },
  {
    role: /^almanac-local-exports-read$/,
    statement: /^Buckets$/,
    part: /\/ticking\/\*$/,
    because: "an export by the minute, of an empty table: it has no parts",
  },

  {
    role: /^almanac-local-exports-finish$/,
    statement: /^Buckets$/,
    part: /\/usermetrics\/(simple_user_logs|application=)\*$/,
    because: "parts of a killed worker, which the last step completes: tests kill that of another export",
  },

  // Two workers at one thing, within milliseconds.
  {
    role: /^almanac-local-exports-(read|finish)$/,
    statement: /^Buckets$/,
    part: /^s3:GetObject$/,
    because: "whether an upload that is gone was completed by another worker: a moment no test can catch",
  },
  {
    role: /^almanac-local-exports-finish$/,
    statement: /^StateTable$/,
    part: /^dynamodb:GetItem$/,
    because: "whether a run that can't be finished was finished by another try: a moment no test can catch",
  },
];

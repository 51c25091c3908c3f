/** Permissions that no end-to-end test uses, each with its reason. An exception that is no longer needed fails the tests. */

export interface Exception {
  /** The role's name. */
  readonly role: RegExp;
  /** The statement's Sid: in most cases the name of the environment variable. */
  readonly statement: RegExp;
  /** An action or a resource of the statement. @default all */
  readonly part?: RegExp;
  readonly because: string;
  /** True: a race uses the permission in some runs. @default false: a run that uses it makes the exception stale */
  readonly isUsedAtTimes?: boolean;
}

export const EXCEPTIONS: readonly Exception[] = [
  // Calls that AWS makes with our roles. The emulator makes them without a role.
  {
    role: /^almanac-local-/,
    statement: /^Logs$/,
    because: "Lambda and Step Functions write logs with the role; the emulator writes them without one",
  },
  {
    role: /^almanac-local-/,
    statement: /^Traces$/,
    because: "Lambda and Step Functions send traces with the role; the emulator has no X-Ray",
  },
  {
    role: /-(callback|callback-billing|ingest|start-jobs)$/,
    statement: /^Queue$/,
    because: "Lambda polls the function's queue with the role; the emulator polls without one",
  },
  {
    role: /-notify$/,
    statement: /^Stream$/,
    because: "Lambda reads the function's stream with the role; the emulator reads without one",
  },
  {
    role: /^almanac-local-/,
    statement: /^(DeadLetterQueue|StreamFailures)$/,
    because: "Lambda sends dead letters with the role; the emulator sends them without one",
  },
  {
    role: /-ingest$/,
    statement: /^ArchiveBucketKey$/,
    part: /^kms:Decrypt$/,
    because: "S3's documentation requires it for multipart uploads; only a real account could show it",
  },

  // DynamoDB's own exports: the emulator reports them as completed, but writes no files.
  {
    role: /^almanac-local-exports-native-export$/,
    statement: /^(StateTable|TableNames|BucketNames)$/,
    because: "the emulator's DynamoDB exports write no files, so none of them finishes",
  },
  {
    role: /^almanac-local-exports-run$/,
    statement: /^NativeExport$/,
    because: "the emulator's DynamoDB exports write no files, so none of them finishes",
  },

  // Distributed maps, which the emulator runs inline.
  {
    role: /^almanac-local-exports-run$/,
    statement: /^ItemExecutionsEnds$/,
    because:
      "Step Functions watches, stops and redrives the executions of a distributed map with the role; the emulator has none",
  },

  // Exports that fail on purpose, or have no items.
  {
    role: /^almanac-local-exports-(read-segment|finish-run)$/,
    statement: /^(BucketNames|TableNames)$/,
    part: /e2e-there-is-no-such-|\/no-table\/\*$/,
    because: "these exports fail because their table or bucket does not exist",
  },

  // Timers whose callbacks fail for minutes, or are exactly once.
  {
    role: /^almanac-local-timers-callback$/,
    statement: /^FiresDeadLetterQueueUrl$/,
    because: "a fire is given up after eight attempts, which take minutes",
  },
  {
    role: /^almanac-local-timers-callback$/,
    statement: /^ClaimsTable$/,
    because: "only a callback with exactlyOnce claims fires; the default one does not",
  },
  {
    role: /^almanac-local-timers-callback$/,
    statement: /^HistoryTable$/,
    part: /^dynamodb:PutItem$/,
    because: "only fires that failed, were dropped or skipped are recorded one by one",
  },
  {
    role: /^almanac-local-timers-callback-billing$/,
    statement: /^FiresQueueUrl$/,
    part: /^sqs:ChangeMessageVisibility$/,
    because: "its timers have one attempt; retries of the default callback use it",
  },
  {
    role: /^almanac-local-timers-callback-billing$/,
    statement: /^ClaimsTable$/,
    part: /^dynamodb:DeleteItem$/,
    because: "only a callback with exactlyOnce releases claims",
  },
  {
    role: /^almanac-local-exports-claim-run$/,
    statement: /^BucketNames$/,
    part: /^s3:GetObject$/,
    because: "only for a key that another run has reserved: two begin in the same second at times",
    isUsedAtTimes: true,
  },
  {
    role: /^almanac-local-exports-claim-run$/,
    statement: /^StateTable$/,
    part: /^dynamodb:DeleteItem$/,
    because:
      "only for a claim that records the end of an execution whose own record was lost; a test kills runs at random times",
    isUsedAtTimes: true,
  },

  {
    role: /^almanac-local-schedules-keep$/,
    statement: /^FunctionPrefix$/,
    part: /-(each-day|documented|marked-run)$/,
    because: "their schedules are due once a day, for which no test waits",
    isUsedAtTimes: true,
  },

  // Races within milliseconds, and results of lost answers.
  {
    role: /^almanac-local-exports-read-segment$/,
    statement: /^BucketNames$/,
    part: /^s3:AbortMultipartUpload$/,
    because: "a worker aborts its upload when another has taken its segment over: a test cannot cause this race",
    isUsedAtTimes: true,
  },
  {
    role: /^almanac-local-workflows-(refund-)?start$/,
    statement: /^ExecutionArnPrefix$/,
    part: /^states:DescribeExecution$/,
    because: "only for a start whose execution exists without a row: a test cannot cause this race",
    isUsedAtTimes: true,
  },
  {
    role: /^almanac-local-workflows-(refund-)?(reconcile|start)$/,
    statement: /^TasksTable$/,
    part: /\/index\/byStatus$/,
    because: "a grant of Query includes the table's indexes; these read the row by its key",
  },
  {
    role: /^almanac-local-workflows-refund-(api|start|sweep)$/,
    statement: /./,
    // Only workflows with a definition have these.
    part: /^(?!states:(RedriveExecution|SendTask))/,
    because: "the same code and grants as the functions of the workflow `task`, whose tests use each of them",
    isUsedAtTimes: true,
  },
];

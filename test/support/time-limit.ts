/** Of a test, as in jest.config.mjs. Only ends what hangs: suites run side by side, on machines where a second of work may take ten. */
export const UNTIL_HUNG_MS = 600_000;

/** The app of the rehearsal: it defines no environments, only a personal one for any name. */
import { App } from "cdktf";
import { personalEnvironment } from "../../../modules/environment";

const app = new App();
const awsEndpoint = process.env["ALMANAC_AWS_ENDPOINT"];
if (awsEndpoint === undefined) throw new Error("the rehearsal sets ALMANAC_AWS_ENDPOINT to the emulator");

personalEnvironment(app, {
  region: "eu-central-1",
  awsEndpoint,
  heartbeats: {
    cronMonitors: [{ name: "nightly-backup", everySeconds: 86_400 }],
    // A route that the rehearsal removes.
    ...(process.env["REHEARSAL_WITHOUT_PINGS"] === undefined && { pingSecretParameter: "/almanac/rehearsal/pings" }),
    targets: [{ name: "aws-emulator", url: new URL("/_ministack/health", awsEndpoint).href, private: true }],
    statusPage: { cdn: true },
  },
});

app.synth();

/** The app of the rehearsal: it has no environment of its own, only the one that is asked for by name. */
import { App } from "cdktf";
import { personalEnvironment } from "../../../modules/environment";

const app = new App();
const awsEndpoint = process.env["ALMANAC_AWS_ENDPOINT"];
if (awsEndpoint === undefined) throw new Error("the rehearsal names the emulator in ALMANAC_AWS_ENDPOINT");

personalEnvironment(app, {
  region: "eu-central-1",
  awsEndpoint,
  heartbeats: {
    targets: [{ name: "aws-emulator", url: new URL("/_ministack/health", awsEndpoint).href, private: true }],
    statusPage: { cdn: true },
  },
});

app.synth();

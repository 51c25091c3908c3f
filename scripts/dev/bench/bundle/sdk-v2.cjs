// Takes the place of the v3 clients in the baseline: all of v2, as `import AWS from "aws-sdk"` brings it.
module.exports = require("aws-sdk");

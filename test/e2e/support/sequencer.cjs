const { default: Sequencer } = require("@jest/test-sequencer");

/** By name, but what destroys the system comes last. */
module.exports = class extends Sequencer {
  sort(tests) {
    const key = ({ path }) => `${path.endsWith("/destroy.test.ts") ? 1 : 0} ${path}`;
    return [...tests].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
};

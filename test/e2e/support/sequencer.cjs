const { default: Sequencer } = require("@jest/test-sequencer");

/** These come last: what looks back on all that was called, then what destroys the system. */
const LAST = ["/least-privilege.test.ts", "/destroy.test.ts"];

/** By name, but for {@link LAST}. */
module.exports = class extends Sequencer {
  sort(tests) {
    const key = ({ path }) => `${LAST.findIndex((name) => path.endsWith(name)) + 1} ${path}`;
    return [...tests].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
};

// node --require alias.cjs main.ts: every `cdktf` is cdktn, with its own `constructs`. CDKTN has the folder that both are installed in.
const Module = require("node:module");
const { join } = require("node:path");

const folder = process.env.CDKTN;
const installed = { id: folder, filename: join(folder, "index.js"), paths: [join(folder, "node_modules")] };
const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, parent, ...rest) {
  return /^(cdktf|constructs)(\/|$)/.test(request)
    ? resolve.call(this, request.replace(/^cdktf/, "cdktn"), installed, ...rest)
    : resolve.call(this, request, parent, ...rest);
};

/** With undici, for thousands of calls a second: half the CPU time of Node's client per call, for 100 kB more code. */
import Pool from "undici/lib/dispatcher/pool.js";

import { IDLE_TIMEOUT_MS, type ConnectTransport } from "./transport";

export const undiciTransport: ConnectTransport = ({ origin }, connections) => {
  const pool = new Pool(origin, { connections, headersTimeout: IDLE_TIMEOUT_MS, bodyTimeout: IDLE_TIMEOUT_MS });
  return {
    post: (headers, body) =>
      new Promise((resolve, reject) => {
        const chunks: Buffer[] = [];
        let status = 0;
        pool.dispatch(
          { method: "POST", path: "/", headers, body },
          {
            onRequestStart: () => undefined,
            onResponseStart: (_, statusCode) => {
              status = statusCode;
            },
            onResponseData: (_, chunk) => {
              chunks.push(chunk);
            },
            onResponseEnd: () => {
              resolve({ status, text: Buffer.concat(chunks).toString() });
            },
            onResponseError: (_, error) => {
              reject(error);
            },
          },
        );
      }),
    close: () => {
      void pool.close();
    },
  };
};

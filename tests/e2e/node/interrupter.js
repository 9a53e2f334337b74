// A proxy before the gateway that answers chosen routes by itself, as an ailing network does.
import { createServer, request as forwarded } from "node:http";

import { BASE_URL } from "./gatepost.js";

/** What may come instead of an answer. */
export const FAILURES = {
  "500 with JSON": { status: 500, body: '{"id":"1","user":{"id":"1"},"session":{"sessionToken":"1"}}' },
  "429 with a problem": { status: 429, type: "application/problem+json", body: '{"title":"Too many","status":429}' },
  "a cut connection": { cut: true },
};
/** What a hotel's network and a broken proxy answer; an empty body is none, as the client takes it for null. */
export const GARBAGE = {
  "200 with a page": { status: 200, type: "text/html", body: "<html>Sign in to the hotel's network</html>" },
  "200 with {}": { status: 200, body: "{}" },
};

/** A running proxy: `broken` maps "VERB /path's beginning" to what comes instead (`lost`: the answer is); `met` counts what did; `seen` are all requests. */
export async function interrupter() {
  const proxy = { broken: {}, met: 0, seen: [] };
  const server = createServer((request, response) => {
    const seen = { route: `${request.method} ${request.url}`, headers: request.headers, body: "" };
    proxy.seen.push(seen);
    request.on("data", (piece) => { seen.body += piece; });
    const [, instead] = Object.entries(proxy.broken).find(([route]) => `${request.method} ${request.url}`.startsWith(route)) ?? [];
    if (instead && !instead.lost) {
      proxy.met += 1;
      if (instead.never) return void request.resume();
      if (instead.cut) return void request.socket.destroy();
      response.writeHead(instead.status, { "content-type": instead.type ?? "application/json", ...instead.headers }).end(instead.body);
      return void request.resume();
    }
    const { method, headers } = request;
    const onward = forwarded(new URL(request.url, BASE_URL), { method, headers }, (answer) => {
      if (instead) return void (request.socket.destroy(), answer.resume());
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.close = () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); });
  return proxy;
}

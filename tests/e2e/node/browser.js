// A person's browser: keeps cookies, follows redirects between the front end and a provider.
import { ORIGIN } from "./front-ends.js";

export class Browser {
  constructor(frontEnd) {
    this.frontEnd = frontEnd;
    this.cookies = new Map();
    this.headers = {};
    this.lines = [];
  }

  /** The session's token, if a cookie holds one. */
  get sessionToken() {
    return [...this.cookies].find(([name]) => name.endsWith(".session-token"))?.[1];
  }

  async signInWith(provider) {
    return this.post(`signin/${provider}`);
  }

  async askForMail(email) {
    return this.post("signin/email", { email });
  }

  async signOut() {
    return this.post("signout");
  }

  /** What the front end's pages read on every visit; null where nobody is signed in. */
  async session() {
    const session = await (await this.visit(`${ORIGIN}/api/auth/session`)).json();
    return session && Object.keys(session).length ? session : null;
  }

  async post(action, form = {}) {
    const { csrfToken } = await (await this.visit(`${ORIGIN}/api/auth/csrf`)).json();
    const body = new URLSearchParams({ csrfToken, callbackUrl: `${ORIGIN}/home`, ...form });
    return this.visit(`${ORIGIN}/api/auth/${action}`, { method: "POST", body });
  }

  /** Where it ends up: the last answer, with its address. */
  async visit(url, init = {}) {
    for (let redirects = 0; redirects < 10; redirects += 1) {
      if (url.startsWith(ORIGIN) && !url.startsWith(`${ORIGIN}/api/auth/`)) return { url };
      const response = await this.fetch(url, init);
      const location = response.headers.get("location");
      if (!location) return Object.assign(response, { address: url });
      [url, init] = [new URL(location, url).href, {}];
    }
    throw new Error("too many redirects");
  }

  async fetch(url, init) {
    if (!url.startsWith(ORIGIN)) return fetch(url, { ...init, redirect: "manual" });
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await this.frontEnd(new Request(url, { ...init, headers: { ...this.headers, cookie } }));
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return response;
  }

  keep(line) {
    this.lines.push(line);
    const [pair, ...attributes] = line.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    const expires = attributes.find((each) => each.startsWith("Expires="))?.slice("Expires=".length);
    const isGone = value === "" || attributes.includes("Max-Age=0") || (expires && new Date(expires) < new Date());
    if (isGone) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

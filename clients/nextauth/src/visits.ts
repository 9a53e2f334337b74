/** A visitor's request to the front end: its headers, and the cookies of its browser. */

export interface CookieOptions {
  httpOnly: boolean;
  secure: boolean;
  sameSite: "lax";
  path: string;
  /** In seconds. */
  maxAge: number;
}

/** The cookies of a request, and of its answer. */
export interface Cookies {
  get(name: string): { value: string } | undefined;
  set(name: string, value: string, options: CookieOptions): unknown;
}

/** `{ cookies, headers }` of `next/headers` is one; `pagesVisit` and `webVisit` make one elsewhere. */
export interface Visit {
  cookies(): Cookies | Promise<Cookies>;
  headers(): Pick<Headers, "get"> | Promise<Pick<Headers, "get">>;
}

interface PagesRequest {
  headers: Readonly<Record<string, string | string[] | undefined>>;
  cookies: Readonly<Partial<Record<string, string>>>;
}

interface PagesResponse {
  getHeader(name: string): number | string | string[] | undefined;
  setHeader(name: string, value: string[]): unknown;
}

/** The visit that an API route of Next.js's pages router gets. */
export function pagesVisit(request: PagesRequest, response: PagesResponse): Visit {
  const cookies: Cookies = {
    get: (name) => valueOf(request.cookies[name]),
    set(name, value, options) {
      const before = response.getHeader("Set-Cookie") ?? [];
      response.setHeader("Set-Cookie", [...[before].flat().map(String), setCookie(name, value, options)]);
    },
  };
  const get = (name: string) => [request.headers[name.toLowerCase()] ?? null].flat().join(", ") || null;
  return { cookies: () => cookies, headers: () => ({ get }) };
}

/** A visit whose cookies are written by `withCookies`. */
export interface WebVisit extends Visit {
  /** The answer with the cookies that were set meanwhile. */
  withCookies(response: Response): Response;
}

/** The visit of a web-standard request, as `Auth` of `@auth/core` takes it. */
export function webVisit(request: Request): WebVisit {
  const set: string[] = [];
  const cookies: Cookies = {
    get: (name) => valueOf(cookieOf(request.headers.get("cookie") ?? "", name)),
    set: (name, value, options) => void set.push(setCookie(name, value, options)),
  };
  return {
    cookies: () => cookies,
    headers: () => request.headers,
    withCookies(response) {
      const headers = new Headers(response.headers);
      for (const line of set) headers.append("set-cookie", line);
      return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
    },
  };
}

/** Tells the visitor's address by the headers of their request; undefined where it is not known. */
export type AddressOf = (headers: Pick<Headers, "get">) => string | undefined;

/**
 * Where so many proxies in front of the front end each add the address that they were called from to X-Forwarded-For:
 * what stands left of theirs is the visitor's own word, and not looked at.
 */
export function behindProxies(count: number): AddressOf {
  if (!Number.isInteger(count) || count < 1) throw new RangeError("at least one proxy tells addresses");
  return (headers) => (headers.get("x-forwarded-for") ?? "").split(",").at(-count)?.trim() || undefined;
}

/** What Gatepost is told of the visitor: where and with which program they sign in. */
export async function visitorOf(visit: Visit, addressOf: AddressOf | undefined): Promise<Record<string, string>> {
  const headers = await visit.headers();
  const [address, agent] = [addressOf?.(headers), headers.get("user-agent")];
  return {
    ...(address && /^[\w.:[\]%-]{2,100}$/.test(address) && { "x-forwarded-for": address }),
    ...(agent && { "user-agent": agent.replace(/[^\x20-\x7e]/g, "").slice(0, 256) }),
  };
}

function valueOf(value: string | undefined): { value: string } | undefined {
  return value === undefined ? undefined : { value };
}

function cookieOf(header: string, name: string): string | undefined {
  const pairs = header.split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** RFC 6265, 4.1.1; the value must be of a cookie's characters. */
function setCookie(name: string, value: string, { httpOnly, secure, path, maxAge }: CookieOptions): string {
  const marks = [httpOnly && "HttpOnly", secure && "Secure"].filter(Boolean);
  return [`${name}=${value}`, `Path=${path}`, `Max-Age=${maxAge}`, ...marks, "SameSite=Lax"].join("; ");
}

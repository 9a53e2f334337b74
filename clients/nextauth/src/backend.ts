/** The way to Gatepost's REST routes. */
import { GatepostError, type Fault } from "./errors.js";

/** Where Gatepost is, and how it knows this front end. */
export interface BackendSettings {
  /** Where the gateway listens, such as `https://auth.internal:8080`. */
  url: string | undefined;
  /** The adapter secret. It is sent to the routes that ask for it, and nowhere else. */
  adapterSecret: string | undefined;
  /** How long a call may take before it fails; 10,000 by default, as Gatepost itself waits. */
  timeoutMilliseconds?: number;
}

export interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  /** The route as it stands in the contract, without values: errors name it. */
  route: string;
  /** The values of the path, in order. */
  values?: readonly string[];
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export class Backend {
  readonly #settings: BackendSettings;

  constructor(settings: BackendSettings) {
    this.#settings = settings;
  }

  /**
   * What Gatepost answers: JSON, or null for what is absent.
   *
   * @throws GatepostError for every other answer, and where none comes in time.
   */
  async ask(call: Call): Promise<unknown> {
    const { method, route, body, headers } = call;
    const said = `${method} ${route}`;
    const url = this.#urlOf(call);
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const typed: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        headers: { accept: "application/json", ...typed, ...headers },
        ...content,
        // Next.js would keep answers, and a redirect would take the secret elsewhere.
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(this.#settings.timeoutMilliseconds ?? 10_000),
      });
      text = await response.text();
    } catch (cause) {
      throw new GatepostError(`no answer to ${said}`, { status: 0, cause });
    }
    const type = mediaTypeOf(response);
    if (!response.ok) {
      const fault = faultOf(response, type === "application/problem+json" ? text : "");
      throw new GatepostError(`${response.status} ${fault.reason} to ${said}`, fault);
    }
    try {
      if (type !== "application/json") throw new TypeError("no JSON");
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new GatepostError(`not Gatepost's answer to ${said}`, { status: response.status, cause });
    }
  }

  /** The same, with the adapter secret. */
  async askAsAdapter(call: Call): Promise<unknown> {
    const { adapterSecret } = this.#settings;
    if (!adapterSecret) throw new TypeError("Gatepost's adapterSecret is missing");
    return this.ask({ ...call, headers: { ...call.headers, "x-auth-secret": adapterSecret } });
  }

  #urlOf({ route, values = [], query }: Call): string {
    const { url } = this.#settings;
    if (!url) throw new TypeError("Gatepost's url is missing");
    const path = [route, ...values.map(segmentOf)].join("/");
    const search = query ? `?${new URLSearchParams(query)}` : "";
    return `${url.replace(/\/+$/, "")}${path}${search}`;
  }
}

/** One segment of a path, whatever the value holds. */
function segmentOf(value: string): string {
  // URLs resolve these even where they are percent-encoded, so the call would reach another route.
  if (value === "." || value === ".." || value === "") throw new TypeError("no path can carry this id");
  return encodeURIComponent(value);
}

function mediaTypeOf(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

function faultOf(response: Response, problem: string): Fault {
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  const requestId = response.headers.get("x-request-id");
  return {
    status: response.status,
    ...wordsOf(problem),
    ...(requestId !== null && { requestId }),
    ...(Number.isFinite(seconds) && { retryAfterSeconds: seconds }),
  };
}

/** What a problem (RFC 9457) of Gatepost says for programs. */
function wordsOf(problem: string): { reason: string; rule?: string; challenge?: string } {
  try {
    const { reason, rule, metadata } = JSON.parse(problem) as { reason?: unknown; rule?: unknown; metadata?: { challenge?: unknown } };
    const challenge = metadata?.challenge;
    return {
      reason: typeof reason === "string" ? reason : "",
      ...(typeof rule === "string" && { rule }),
      ...(typeof challenge === "string" && { challenge }),
    };
  } catch {
    return { reason: "" };
  }
}

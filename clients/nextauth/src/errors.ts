/** What goes wrong between a front end and Gatepost. */

/** Where a refusal or a fault comes from. */
export interface Fault {
  /** The HTTP status; 0 where there was no answer. */
  status: number;
  /** A name of the contract's ErrorReason; empty where the answer is not Gatepost's own. */
  reason?: string;
  /** Of PASSWORD_REFUSED, the rule that the password breaks. */
  rule?: string;
  /** Of SECOND_FACTOR_REQUIRED, what a code completes. */
  challenge?: string;
  /** What Gatepost's log knows the request by. */
  requestId?: string;
  /** How long to wait before the next try, where the answer says so. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** A call that did not do what it should: refused, failed, answered by somebody else, or not answered in time. */
export class GatepostError extends Error {
  override readonly name = "GatepostError";
  readonly status: number;
  readonly reason: string;
  readonly rule: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Private, so that no logger that shows errors shows it. */
  readonly #challenge: string | undefined;

  /** The message names the route, never a value of the request. */
  constructor(message: string, { status, reason = "", rule, challenge, requestId, retryAfterSeconds, cause }: Fault) {
    super(message, { cause });
    this.status = status;
    this.reason = reason;
    this.rule = rule;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
    this.#challenge = challenge;
  }

  /** Of SECOND_FACTOR_REQUIRED, what a code completes. */
  get challenge(): string | undefined {
    return this.#challenge;
  }
}

/** The sign-in has ended: its refresh token is refused. NextAuth and Auth.js sign the visitor out when they see it. */
export class SignInEndedError extends Error {
  override readonly name = "SignInEndedError";

  constructor(cause: GatepostError) {
    super("the sign-in has ended", { cause });
  }
}

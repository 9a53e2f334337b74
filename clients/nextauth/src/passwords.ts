/** Passwords that are forgotten or changed, on browsers that stay known or become so. */
import { fieldsOf } from "./answers.js";
import type { Backend, Call } from "./backend.js";
import type { DeviceCookie } from "./device.js";
import { visitorOf, type AddressOf, type Visit } from "./visits.js";

/** A mailed link's token, and the password that its user chose. */
export interface PasswordReset {
  token: string;
  newPassword: string;
}

/** The access token of whoever changes their password, the one that they have, if they have one, and another. */
export interface PasswordChange {
  accessToken: string;
  currentPassword?: string;
  newPassword: string;
}

export class Passwords {
  constructor(
    private readonly backend: Backend,
    private readonly device: DeviceCookie,
    private readonly addressOf: AddressOf | undefined,
  ) {}

  async forgot(visit: Visit, email: string): Promise<void> {
    const deviceToken = await this.device.read(visit);
    await this.#ask(visit, { method: "POST", route: "/auth/forgot-password", body: { email, deviceToken } });
  }

  async reset(visit: Visit, { token, newPassword }: PasswordReset): Promise<void> {
    const body = { token, newPassword };
    const answer = await this.#ask(visit, { method: "POST", route: "/auth/reset-password", body });
    await this.device.keep(visit, fieldsOf(answer).deviceToken);
  }

  async change(visit: Visit, { accessToken, currentPassword, newPassword }: PasswordChange): Promise<void> {
    const [headers, body] = [{ authorization: `Bearer ${accessToken}` }, { currentPassword, newPassword }];
    const answer = await this.#ask(visit, { method: "POST", route: "/auth/change-password", headers, body });
    await this.device.keep(visit, fieldsOf(answer).deviceToken);
  }

  async #ask(visit: Visit, call: Call): Promise<unknown> {
    return this.backend.ask({ ...call, headers: { ...(await visitorOf(visit, this.addressOf)), ...call.headers } });
  }
}

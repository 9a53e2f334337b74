/** As much of next-auth v5 as the README's example touches, on the genuine types of its core. */
import type { AuthConfig } from "@auth/core";

export { CredentialsSignin } from "@auth/core/errors";

type Handler = (request: Request) => Promise<Response>;

export default function NextAuth(config: (request: Request | undefined) => AuthConfig): {
  handlers: { GET: Handler; POST: Handler };
  auth: () => Promise<unknown>;
  signIn: (provider: string) => Promise<unknown>;
  signOut: () => Promise<unknown>;
};

/** As much of Next.js's types as the README's examples touch: Next.js itself is no dependency. */
declare module "next/headers" {
  interface Cookies {
    get(name: string): { name: string; value: string } | undefined;
    set(name: string, value: string, options?: { httpOnly?: boolean; secure?: boolean; sameSite?: true | "lax"; path?: string; maxAge?: number }): unknown;
  }
  export function cookies(): Promise<Cookies>;
  export function headers(): Promise<Headers>;
}

declare module "next" {
  interface Incoming {
    headers: Record<string, string | string[] | undefined>;
    cookies: Partial<Record<string, string>>;
  }
  interface Outgoing {
    getHeader(name: string): number | string | string[] | undefined;
    setHeader(name: string, value: number | string | readonly string[]): this;
  }
  export interface NextApiRequest extends Incoming {
    body: unknown;
  }
  export interface NextApiResponse extends Outgoing {
    json(body: unknown): void;
  }
  export interface GetServerSidePropsContext {
    req: Incoming;
    res: Outgoing;
  }
}

declare const process: { env: Record<string, string | undefined> };

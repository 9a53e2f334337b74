/** What we make fits into the options of both cores: checked by the compiler, never run. */
import type { AuthConfig } from "@auth/core";
import type { Adapter as CoreAdapter } from "@auth/core/adapters";
import type { NextAuthOptions } from "next-auth";
import type { Adapter } from "next-auth/adapters";

import { gatepost, webVisit } from "../src/index.js";

const { adapter, credentials, secondFactor, callbacks, events } = gatepost({ url: "", adapterSecret: "" });
const visit = webVisit(new Request("http://front.example"));

export const forV4: Adapter = adapter;
export const forV5: CoreAdapter = adapter;

export const v4: NextAuthOptions = {
  adapter, providers: [credentials(visit), secondFactor(visit)], callbacks: callbacks(visit), events,
  session: { strategy: "jwt" },
};

export const v5: AuthConfig = {
  adapter, providers: [credentials(visit), secondFactor(visit)], callbacks: callbacks(visit), events,
  session: { strategy: "jwt" },
};

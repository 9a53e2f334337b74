// The article's AuthRestAdapter: what its front end calls, written from the routes that it calls.
// It stands here as it is in the field, with its flaws, so that what works with it works there; never mend it.
import axios from "axios";

/** Drops nulls and turns every string that Date.parse accepts into a Date. */
export function format(object) {
  const formatted = {};
  for (const [key, value] of Object.entries(object)) {
    if (value === null) continue;
    const isDate = typeof value === "string" && !Number.isNaN(Date.parse(value));
    formatted[key] = isDate ? new Date(value) : value;
  }
  return formatted;
}

const formatted = ({ data }) => (data ? format(data) : null);

/** Paths are not percent-encoded. */
export function AuthRestAdapter(baseUrl, secret) {
  const client = axios.create({
    baseURL: `${baseUrl}/adapter`,
    headers: { "Content-Type": "application/json", "x-auth-secret": secret },
  });

  return {
    createUser: async (user) => formatted(await client.post("/signup", user)),
    getUser: async (id) => formatted(await client.get(`/${id}`)),
    getUserByEmail: async (email) => formatted(await client.get(`/get-user-by-email?email=${email}`)),
    getUserByAccount: async ({ provider, providerAccountId }) =>
      formatted(await client.get(`/get-user-by-account/${provider}/${providerAccountId}`)),
    updateUser: async (user) => formatted(await client.patch("/", user)),
    deleteUser: async (id) => formatted(await client.delete(`/${id}`)),

    linkAccount: async (account) => formatted(await client.post("/link-account", account)),
    unlinkAccount: async ({ provider, providerAccountId }) =>
      formatted(await client.delete(`/unlink-account/${provider}/${providerAccountId}`)),

    createSession: async (session) => formatted(await client.post("/create-session", session)),
    getSessionAndUser: async (sessionToken) => {
      const { data } = await client.get(`/get-session/${sessionToken}`);
      return data ? { session: format(data.session), user: format(data.user) } : null;
    },
    updateSession: async (session) => formatted(await client.patch("/update-session", session)),
    deleteSession: async (sessionToken) => formatted(await client.delete(`/delete-session/${sessionToken}`)),

    createVerificationToken: async (token) => formatted(await client.post("/create-verification-token", token)),
    useVerificationToken: async (params) => formatted(await client.patch("/use-verification-token", params)),
  };
}

// The login code of the article's front end: how it reads the statuses of /auth. Like the adapter, never mend it.

const JSON_HEADERS = { "Content-Type": "application/json" };

/** The credentials provider's authorize: only 400 is a refusal, any other JSON body becomes the signed-in user. */
export async function authorize(baseUrl, { email, password }) {
  const response = await fetch(`${baseUrl}/auth/login`, {
    method: "POST",
    headers: JSON_HEADERS,
    body: JSON.stringify({ email, password }),
  });
  if (response.status === 400) return null;
  return await response.json();
}

/** The backend's tokens after a sign-in with a provider: only 401 is a refusal. */
export async function oAuthLogin(baseUrl, secret, { email }) {
  const response = await fetch(`${baseUrl}/auth/oAuthlogin`, {
    method: "POST",
    headers: { ...JSON_HEADERS, "x-auth-secret": secret },
    body: JSON.stringify({ email }),
  });
  if (response.status === 401) return null;
  return await response.json();
}

/** NextAuth's token with a new pair; whatever is not 2xx keeps the old one. */
export async function refreshToken(baseUrl, token) {
  const response = await fetch(`${baseUrl}/auth/refresh`, {
    method: "POST",
    headers: { ...JSON_HEADERS, authorization: `Refresh ${token.backendTokens.refreshToken}` },
    body: JSON.stringify({ username: token.user.email, sub: { name: token.user.name } }),
  });
  if (!response.ok) return token;
  return { ...token, backendTokens: await response.json() };
}

"""What cookies hold a NextAuth session's token, written by hand: for the gateway and for Envoy's Check alike."""

TOKEN = "8d2f8c1e-5a51-4b3e-9a0f-0f4b4a4f7d10"

# The cookie headers of a request, and the session token that they hold, or None.
COOKIES = [
    ([], None),
    ([f"next-auth.session-token={TOKEN}"], TOKEN),
    ([f"__Secure-next-auth.session-token={TOKEN}"], TOKEN),
    ([f"authjs.session-token={TOKEN}"], TOKEN),
    ([f"__Secure-authjs.session-token={TOKEN}"], TOKEN),
    ([f"theme=dark; next-auth.session-token={TOKEN}; lang=en"], TOKEN),
    ([f"theme=dark;next-auth.session-token={TOKEN}"], TOKEN),
    (["theme=dark", f"next-auth.session-token={TOKEN}"], TOKEN),
    ([f'next-auth.session-token="{TOKEN}"'], TOKEN),
    (["next-auth.session-token=a%2Fb%2Bc%3D%3D"], "a/b+c=="),
    (["next-auth.session-token=a+b=="], "a+b=="),
    # Secure cookies before others, Auth.js's before NextAuth v4's.
    ([f"next-auth.session-token=planted; __Secure-next-auth.session-token={TOKEN}"], TOKEN),
    ([f"authjs.session-token=planted; __Secure-next-auth.session-token={TOKEN}"], TOKEN),
    ([f"next-auth.session-token=old; authjs.session-token={TOKEN}"], TOKEN),
    # One that is there twice may have been planted by a neighbouring site.
    ([f"next-auth.session-token={TOKEN}; next-auth.session-token={TOKEN}"], None),
    ([f"__Secure-authjs.session-token={TOKEN}; __Secure-authjs.session-token=x; authjs.session-token={TOKEN}"], None),
    # JWT sessions in chunks, and what only looks alike.
    (["next-auth.session-token.0=eyJhbGciOi; next-auth.session-token.1=JkaXIifQ"], None),
    ([f"x-next-auth.session-token={TOKEN}"], None),
    ([f"NEXT-AUTH.SESSION-TOKEN={TOKEN}"], None),
    ([f"next-auth.session-token ; other={TOKEN}"], None),
    (["next-auth.session-token="], None),
    (["next-auth.session-token"], None),
    (["next-auth.session-token=a b"], None),
    (["next-auth.session-token=caf%C3%A9"], None),
    (["next-auth.session-token=a%0D%0Ab"], None),
]

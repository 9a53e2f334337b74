"""The auth server: users, accounts, sessions and tokens over gRPC."""

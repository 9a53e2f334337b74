"""The two ways to reach the RPCs: a gRPC port and a channel inside the process."""

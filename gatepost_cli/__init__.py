"""The `gatepost` command: what a person or a machine starts."""

"""The contract, made from protos/ by scripts/generate."""

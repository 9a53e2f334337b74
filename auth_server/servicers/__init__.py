"""The RPCs of the contract: message in, one call, message out."""

"""Proto3 JSON with the contract's customs, by readers and writers compiled from descriptors."""

"""What is decided, and what happens in one transaction."""

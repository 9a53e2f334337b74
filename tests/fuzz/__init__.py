"""Random calls through every door, and what they may not bring about: our fault, a hang, an answer nobody declared."""

"""What a verifier has done so far, in numbers for metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Counts since the verifier was made; they only grow."""

    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Tokens refused, by AccessTokenInvalidError's `why`."""
    unavailable: int = 0
    """Tokens that could not be judged."""
    questions: int = 0
    """Tokens that the server was asked about, because the stream was not in sync."""
    accepted_unheard: int = 0
    """Tokens accepted while Gatepost could be neither heard nor reached."""
    revocations: int = 0
    streams: int = 0
    """Times that the stream of revocations was opened."""
    key_fetches: int = 0

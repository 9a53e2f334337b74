"""Bloom filters: small sets of texts that may rarely take a text for one of theirs, and never miss one that is."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Collection
from dataclasses import dataclass

_MAGIC = b"gpbloom1"
_HEADER = struct.Struct(">8sIB")  # what it is, how many texts it holds, bits that each of them sets


class NoFilterError(ValueError):
    """These bytes are no filter."""


@dataclass(frozen=True, slots=True)
class BloomFilter:
    """A set of texts as bits (Bloom 1970), of which each text sets several.

    Which ones, two 64-bit hashes say (Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006).
    """

    size: int
    """How many texts were put in."""
    bits_each: int
    bits: bytes

    @classmethod
    def of(cls, texts: Collection[str], false_positives: float) -> BloomFilter:
        """A filter of these texts that takes this share of all other texts for one of them."""
        distinct = set(texts)
        count = max(64, math.ceil(-len(distinct) * math.log(false_positives) / math.log(2) ** 2))
        bits_each = max(1, round(-math.log2(false_positives)))
        bits = bytearray(math.ceil(count / 8))
        for text in distinct:
            for place in _places(text, bits_each, len(bits) * 8):
                bits[place >> 3] |= 1 << (place & 7)
        return cls(len(distinct), bits_each, bytes(bits))

    @classmethod
    def read(cls, stored: bytes) -> BloomFilter:
        """The filter that `stored` once gave.

        Raises:
            NoFilterError: these bytes are none.
        """
        bits = stored[_HEADER.size :]
        if not bits or not stored.startswith(_MAGIC):
            raise NoFilterError
        _, size, bits_each = _HEADER.unpack_from(stored)
        return cls(size, bits_each, bits)

    @property
    def stored(self) -> bytes:
        """The filter as bytes, the same on every machine."""
        return _HEADER.pack(_MAGIC, self.size, self.bits_each) + self.bits

    @property
    def false_positives(self) -> float:
        """The share of other texts that it takes for one of its own, by the bits that are set."""
        is_set = sum(byte.bit_count() for byte in self.bits)
        return float((is_set / (len(self.bits) * 8)) ** self.bits_each)

    def __contains__(self, text: object) -> bool:
        """Whether the text was put in, or, rarely, seems so."""
        if not isinstance(text, str):
            return False
        places = _places(text, self.bits_each, len(self.bits) * 8)
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in places)


def _places(text: str, count: int, bits: int) -> list[int]:
    first, step = struct.unpack(">QQ", hashlib.blake2b(text.encode(), digest_size=16).digest())
    return [(first + number * step) % bits for number in range(count)]

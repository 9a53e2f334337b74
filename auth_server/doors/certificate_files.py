"""Certificates and keys that lie in files, and are read again when the files change."""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

Stamps = tuple[tuple[int, int, int], ...]


class CertificateError(Exception):
    """Files of certificates that cannot be used; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the files hold, as PEM; None where no file is named."""

    chain: bytes | None
    key: bytes | None
    authority: bytes | None
    """The certificates of those whose signature on the other side's certificate counts."""


class CertificateFiles:
    """A certificate with its key, and the authority for the other side's; each may be missing."""

    def __init__(self, *, certificate: Path | None, key: Path | None, authority: Path | None) -> None:
        self._certificate, self._key, self._authority = certificate, key, authority
        self._paths = tuple(path for path in (certificate, key, authority) if path is not None)
        self._stamps: Stamps = ()
        self._refused = ""

    def read(self) -> Certificates:
        """What the files hold now.

        Raises:
            CertificateError: one cannot be read or holds no certificate, the key is another certificate's, or they
                change this moment.
        """
        try:
            stamps = self._stamps_now()
            found = Certificates(*map(_content_of, (self._certificate, self._key, self._authority)))
            self._check(found)
            if self._stamps_now() != stamps:
                raise CertificateError(f"{self._names} change while they are read")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            cause = getattr(error, "strerror", None) or str(error)
            raise CertificateError(
                f"{getattr(error, 'filename', None) or self._names} cannot be used: {cause}"
            ) from error
        self._stamps = stamps
        return found

    def changed(self) -> Certificates | None:
        """What the files hold, where that is new and good since the last time; else the old ones stay in use.

        Files that are not good, such as half of a pair that is being replaced, are told in the log once, and looked at
        again the next time.
        """
        try:
            if self._stamps_now() == self._stamps:
                return None
            found = self.read()
        except (CertificateError, OSError) as error:
            if str(error) != self._refused:
                self._refused = str(error)
                log.warning("certificates not reloaded", extra={"cause": str(error)})
            return None
        self._refused = ""
        log.info("certificates reloaded", extra={"files": self._names})
        return found

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self._paths))

    def _stamps_now(self) -> Stamps:
        found = (os.stat(path) for path in self._paths)
        return tuple((each.st_mtime_ns, each.st_size, each.st_ino) for each in found)

    def _check(self, found: Certificates) -> None:
        """Raises ssl.SSLError or ValueError where gRPC could not use them; it would say so nowhere."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self._certificate is not None and self._key is not None:
            # Else a key with a passphrase would ask for it at the terminal.
            context.load_cert_chain(self._certificate, self._key, password=lambda: b"")
        if found.authority is not None:
            context.load_verify_locations(cadata=found.authority.decode())


def _content_of(path: Path | None) -> bytes | None:
    return path.read_bytes() if path is not None else None

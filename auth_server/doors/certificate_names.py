"""The names in a client's certificate that a service may be known by."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509


@lru_cache(maxsize=1024)
def names_in(certificate: bytes) -> tuple[str, ...]:
    """The DNS names, in lower case, and the URIs of a certificate in PEM that was verified; none where it is malformed.

    Read from the certificate itself: gRPC's own properties of it end at a NUL, so that `shop.internal<NUL>.evil.org`
    would pass for another's name. What is not printable is no name, nor is a DNS name that looks like a URI, or a URI
    that does not.
    """
    try:
        extensions = x509.load_pem_x509_certificate(certificate).extensions
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    names = [name.lower() for name in found.get_values_for_type(x509.DNSName) if ":" not in name]
    uris = [uri for uri in found.get_values_for_type(x509.UniformResourceIdentifier) if "://" in uri]
    return tuple(name for name in (*names, *uris) if name.isprintable())

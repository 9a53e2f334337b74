"""Settings of users' images."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings

MEBIBYTE = 1024 * 1024
SCHEMES = ("az", "s3", "gs")
# Naming and Referencing Containers, Blobs, and Metadata, of Azure Blob Storage.
_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")


class ImageSettings(BaseSettings):
    """Which images are taken, and where they are kept; alike on every server."""

    image_store: Annotated[
        str | None,
        Field(
            validation_alias=AliasChoices("GATEPOST_IMAGE_STORE", "AZURE_STORAGE_CONTAINER_NAME"),
            description="Where images are kept: `file:///folder`, `az://container/prefix`, `s3://bucket/prefix` or "
            "`gs://bucket/prefix`, prefixes as you like; a name alone is a container of Azure. Accounts and "
            "credentials come from the providers' own variables (`AZURE_STORAGE_…`, `AWS_…`, `GOOGLE_…`). By default "
            "the folder `images` in `GATEPOST_DATA_DIR`.",
        ),
    ] = None
    image_store_insecure: Annotated[
        bool,
        Field(description="Whether that store may be reached by plaintext HTTP; without it, only HTTPS is."),
    ] = False
    image_base_url: Annotated[
        str | None,
        Field(
            description="What the addresses of images begin with, where the store itself is public; by default "
            "`GATEPOST_PUBLIC_URL` and `/images`, where the gateway shows them. Without either, no image is taken."
        ),
    ] = None
    image_limit_bytes: Annotated[
        int,
        Field(
            ge=1024,
            le=100 * MEBIBYTE,
            description="The largest image that is taken; `GATEPOST_UPLOAD_LIMIT_BYTES` of the gateway must be more.",
        ),
    ] = 10 * MEBIBYTE
    image_limit_pixels: Annotated[
        int,
        Field(
            ge=1,
            le=80_000_000,
            description="The most pixels of an image that is taken; one takes up to sixteen bytes of memory while it "
            "is drawn anew.",
        ),
    ] = 24_000_000
    image_pool_width: Annotated[int, Field(ge=1, le=64, description="Threads that draw images anew.")] = 1
    image_uploads: Annotated[
        int, Field(ge=1, le=1000, description="Images that a server has in memory at once; more are refused.")
    ] = 16
    longest_upload: Annotated[
        timedelta,
        Field(
            gt=timedelta(0),
            le=timedelta(minutes=30),
            description="How long a call may take that brings a file, in the place of `GATEPOST_LONGEST_CALL`.",
        ),
    ] = timedelta(minutes=1)

    @field_validator("image_store")
    @classmethod
    def _is_store(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if _CONTAINER.fullmatch(value):
            return f"az://{value}"
        parts = urlsplit(value)
        is_folder = parts.scheme == "file" and not parts.netloc and parts.path.strip("/")
        if not is_folder and not (parts.scheme in SCHEMES and parts.netloc):
            raise ValueError("it must be file:///folder, az://container, s3://bucket or gs://bucket")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("it must be a scheme, a container or folder, and a prefix, and nothing else")
        return value

    @field_validator("image_base_url")
    @classmethod
    def _is_base_of_images(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("it must be a scheme, a host and maybe a path: https://images.example.org")
        return value

    def images_at(self, public_url: str | None) -> str | None:
        """What an image's address is, up to its name; None where nothing says so."""
        base = self.image_base_url or (f"{public_url.rstrip('/')}/images" if public_url else None)
        return f"{base.rstrip('/')}/" if base else None

"""Where images are kept: a folder, or a bucket of Azure Blob Storage, S3 or Google Cloud Storage (obstore)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from auth_server.domain.image_errors import ImageNotFoundError, ImageStoreUnavailableError
from auth_server.domain.images import Picture

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

FILE = "file://"
# Within the time of a call there is room for one more try.
CLIENT: ClientConfig = {"connect_timeout": "2s", "timeout": "5s"}
RETRIES: RetryConfig = {"max_retries": 1, "retry_timeout": timedelta(seconds=6)}
# For stores that browsers read directly; the gateway has headers of its own.
ATTRIBUTES = {"Content-Disposition": "attachment", "Cache-Control": "public, max-age=3600"}
# What obstore raises when a store is away or refuses: nobody else's fault than the store's, or its settings'.
FAILURES = (BaseError, OSError, ValueError, NotImplementedError)


class StoreUrlError(Exception):
    """No store can be made of the URL; the text says why."""


class ImageStore:
    """Keeps images by their names.

    Raises, from every method:
        ImageStoreUnavailableError: the store cannot be reached, or refuses.
    """

    def __init__(self, url: str, *, insecure: bool = False) -> None:
        """The store at `file:///folder`, `az://container/prefix`, `s3://bucket/prefix` or `gs://bucket/prefix`.

        Accounts, credentials and endpoints come from the environment, by the names that each provider gives them
        (AZURE_STORAGE_..., AWS_..., GOOGLE_...). Over plaintext HTTP it is reached only where `insecure` says so.
        A folder is made where it is used first.

        Raises:
            StoreUrlError: the URL is of none of them, or the environment lacks what the provider needs.
        """
        self._url = url
        self._client: ClientConfig = {**CLIENT, "allow_http": insecure}
        self._store: ObjectStore | None = None
        if not self.is_folder:
            self._store = self._opened()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, which other machines may not see."""
        return self._url.startswith(FILE)

    async def put(self, name: str, picture: Picture) -> None:
        """Keeps an image under a new name."""
        with _failing():
            store = self._reached()
            about: Any = None  # a folder keeps none of it
            if not isinstance(store, LocalStore):
                about = {**ATTRIBUTES, "Content-Type": picture.media_type}
            await obstore.put_async(store, name, picture.content, attributes=about)

    async def get(self, name: str) -> bytes:
        """The image of this name.

        Raises:
            ImageNotFoundError: there is none.
        """
        with _failing():
            try:
                found = await obstore.get_async(self._reached(), name)
            except FileNotFoundError:
                raise ImageNotFoundError from None
            return bytes(await found.bytes_async())

    async def remove(self, name: str) -> None:
        """Removes the image of this name, where there is one."""
        with _failing():
            try:
                await obstore.delete_async(self._reached(), name)
            except FileNotFoundError:
                return

    def _reached(self) -> ObjectStore:
        """The store; a folder is made now, as it may lie on a disk that was not there before."""
        if self._store is None:
            self._store = from_url(self._url, mkdir=True)
        return self._store

    def _opened(self) -> ObjectStore:
        try:
            return from_url(self._url, client_options=self._client, retry_config=RETRIES)
        except FAILURES as error:
            raise StoreUrlError(str(error).splitlines()[0]) from error


@contextmanager
def _failing() -> Iterator[None]:
    """Words the failures of a store."""
    try:
        yield
    except FAILURES as error:
        raise ImageStoreUnavailableError from error

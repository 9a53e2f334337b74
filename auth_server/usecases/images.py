"""How a user gets an image, who may see it, and that none stays behind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_server.domain.errors import DatabaseUnavailableError, UserNotFoundError
from auth_server.domain.ids import get_user_id
from auth_server.domain.image_errors import ImageNotFoundError, ImageStoreUnavailableError
from auth_server.domain.images import Picture, find_media_type, new_name
from auth_server.outside.image_store import ImageStore
from auth_server.outside.picture_pool import PicturePool
from auth_server.outside.pictures import redrawn
from auth_server.storage import images
from auth_server.storage.database import Database, Db

log = logging.getLogger(__name__)

UPLOAD_ENDS_WITHIN = timedelta(hours=1)
"""What was stored by then and is nobody's image was left behind by a server that died."""
LEASE = timedelta(minutes=5)
BATCH = 100
PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is taken."""

    file_bytes: int
    pixels: int


@dataclass(frozen=True, slots=True)
class Images:
    """Images of users. Without a store, or an address to show them at, there are none."""

    db: Database
    store: ImageStore | None
    base_url: str | None
    """What an image's address begins with, up to its name."""
    pool: PicturePool
    limits: ImageLimits
    clock: Callable[[], datetime]

    async def replace(self, user_id: str, pieces: AsyncIterator[bytes]) -> str:
        """The address of the user's image, which is a copy of the file's picture from now on.

        The image before it is removed from the store afterwards: at once, or by `sweep` where that fails.

        Raises:
            ImageTooLargeError: the file has more bytes than are taken.
            ImageRefusedError: it is none of the images that are taken.
            ImagesBusyError: too many others are on their way, or came while this one was slow.
            ImageStoreUnavailableError: the store cannot be reached, or there is none.
            UserNotFoundError: there is no such user.
        """
        store, owner = self._usable_store(), get_user_id(user_id)
        with self.pool.place(owner) as place:
            file = await place.receive(pieces, self.limits.file_bytes)
            picture = await place.run(redrawn, file, self.limits.pixels)
        name = new_name(picture.media_type)
        url = f"{self.base_url}{name}"
        await images.announce(self.db, name, owner, url, self.clock() + UPLOAD_ENDS_WITHIN)
        await store.put(name, picture)
        await self._show(owner, name, url)
        await self.remove_former(owner)
        return url

    async def get(self, name: str) -> Picture:
        """The image of this name.

        Raises:
            ImageNotFoundError: there is none.
            ImageStoreUnavailableError: the store cannot be reached, or there is none.
        """
        media_type = find_media_type(name)
        if media_type is None:
            raise ImageNotFoundError
        return Picture(await self._usable_store().get(name), media_type)

    async def remove_former(self, owner: UUID) -> None:
        """Removes what the user has no longer, as far as it goes at once; `sweep` does the rest."""
        if self.store is None:
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                names = await images.lease_doomed_of(self.db, owner, self.clock() + LEASE)
                await self._remove(self.store, names)
        except (ImageStoreUnavailableError, DatabaseUnavailableError, TimeoutError) as error:
            log.warning("former image is removed later", extra={"cause": repr(error.__cause__ or error)})

    async def sweep(self) -> None:
        """Removes what is nobody's image any more; safe with many servers at once.

        Raises:
            ImageStoreUnavailableError: something could not be removed; it comes again.
        """
        if self.store is None:
            return
        while True:
            now = self.clock()
            names = await images.lease_doomed(self.db, now, now + LEASE, BATCH)
            await self._remove(self.store, names)
            if len(names) < BATCH:
                return

    def _usable_store(self) -> ImageStore:
        if self.store is None or self.base_url is None:
            raise ImageStoreUnavailableError
        return self.store

    async def _show(self, owner: UUID, name: str, url: str) -> None:
        """Makes the stored image the user's."""

        async def take(db: Db) -> None:
            now = self.clock()
            if not await images.show(db, owner, url, now):
                raise UserNotFoundError
            if not await images.keep(db, name, now):
                raise ImageStoreUnavailableError

        try:
            await self.db.transaction(take)
        except (UserNotFoundError, ImageStoreUnavailableError):  # deleted meanwhile, or too late: nothing may stay
            await images.doom(self.db, name, owner, url)
            raise

    async def _remove(self, store: ImageStore, names: Sequence[str]) -> None:
        ends = await asyncio.gather(*(store.remove(name) for name in names), return_exceptions=True)
        gone = [name for name, end in zip(names, ends, strict=True) if end is None]
        if gone:
            await images.forget(self.db, gone)
        for end in ends:
            if end is not None:
                raise end

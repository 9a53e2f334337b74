"""Puts together what images need: their store, and the threads that draw them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from auth_server.background import repeating
from auth_server.outside.image_store import ImageStore
from auth_server.outside.picture_pool import PicturePool
from auth_server.settings import AuthServerSettings
from auth_server.storage.database import Database
from auth_server.usecases.images import ImageLimits, Images

log = logging.getLogger(__name__)

SWEEP_EVERY = timedelta(minutes=1)


@asynccontextmanager
async def images_of(
    settings: AuthServerSettings, database: Database, clock: Callable[[], datetime]
) -> AsyncIterator[Images]:
    """Images of users, swept meanwhile.

    Raises:
        StoreUrlError: the store cannot be used as the settings say.
    """
    url = settings.image_store
    pool = PicturePool(width=settings.image_pool_width, places=settings.image_uploads)
    images = Images(
        db=database,
        store=ImageStore(url, insecure=settings.image_store_insecure) if url else None,
        base_url=settings.images_at(settings.public_url),
        pool=pool,
        limits=ImageLimits(settings.image_limit_bytes, settings.image_limit_pixels),
        clock=clock,
    )
    if images.store is None or images.base_url is None:
        missing = "GATEPOST_IMAGE_STORE" if images.store is None else "GATEPOST_PUBLIC_URL"
        log.warning("no images are taken", extra={"missing": missing})
    elif images.store.is_folder and settings.environment == "production":
        log.warning("images are kept on this machine alone", extra={"where": url})
    try:
        async with repeating("sweep of images", images.sweep, every=SWEEP_EVERY):
            yield images
    finally:
        pool.close()

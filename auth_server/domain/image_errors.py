"""What is refused about images: texts for people and reasons for programs, as in errors.py."""

from __future__ import annotations

from auth_server.domain.errors import AuthError, Kind


class ImageRefusedError(AuthError):
    """The image is not taken: it must be a JPEG, PNG, WebP or GIF, whole, of a usual size, and nothing else."""

    kind, reason = Kind.INVALID, "IMAGE_REFUSED"


class ImageTooLargeError(AuthError):
    """The image is too large."""

    kind, reason = Kind.BUSY, "IMAGE_TOO_LARGE"


class ImageNotFoundError(AuthError):
    """There is no such image."""

    kind, reason = Kind.NOT_FOUND, "IMAGE_NOT_FOUND"


class ImagesBusyError(AuthError):
    """Too many images are on their way; try again in a moment."""

    kind, reason = Kind.BUSY, "IMAGES_BUSY"


class ImageStoreUnavailableError(AuthError):
    """Images cannot be kept or shown now; try again in a moment."""

    kind, reason = Kind.UNAVAILABLE, "IMAGE_STORE_UNAVAILABLE"

"""Archives that tests unpack."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpacks it there; Python of before 3.11.4 has no filters, and takes an archive of our own as it is."""
    unfiltered: Any = archive
    unfiltered.extraction_filter = getattr(tarfile, "data_filter", None)
    archive.extractall(folder)

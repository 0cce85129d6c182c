"""Where features of pictures are kept, and one picture's at a time, for those who predict."""

import hashlib
from pathlib import Path

import numpy as np

from modular_cls.data.images import VERSION, Box
from modular_cls.data.picture_files import key_picture
from modular_cls.data.preparation import Pixels
from modular_cls.data.shards import DamagedRowError, Shards
from modular_cls.files import cache_folder


def features_folder(pixels: Pixels, digest: str) -> Path:
    """The folder of the features that a network makes of pictures prepared like that.

    Args:
        pixels: How pictures are resized and scaled.
        digest: Of the network's weights.
    """
    settings = f"{pixels.size} {tuple(pixels.mean)} {tuple(pixels.std)} {pixels.range} {VERSION}"
    if pixels.fit != "squash":
        settings += f" {pixels.fit}"
    named = hashlib.blake2b(settings.encode(), digest_size=6).hexdigest()
    return cache_folder() / "features" / f"{digest}-{pixels.size[0]}x{pixels.size[1]}-{named}"


class KeptFeatures:
    """Features that were kept when this was made; only read, so that predicting fills no disk.

    Args:
        pixels: As for `features_folder`.
        digest: Likewise.
    """

    def __init__(self, pixels: Pixels, digest: str) -> None:
        self._rows = Shards(features_folder(pixels, digest))
        self._places = {key: place for place, key in enumerate(self._rows.keys.tolist())}

    def find(self, file: Path, named: str, box: Box | None) -> np.ndarray | None:
        """Features of a picture, shape (F,), half precision; None where they are not kept whole.

        Raises:
            ImageError: If the file cannot be read.
        """
        if not self._places:
            return None
        # As bytes of an array, a key has lost the zeros at its end.
        place = self._places.get(key_picture(file, named, box).rstrip(b"\0"))
        if place is None:
            return None
        try:
            return self._rows[place]
        except DamagedRowError:
            return None

"""Pictures -> features of a frozen network: each picture once, kept for all who ask later."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from modular_cls.data.cache import Bad, NoRoomError, picture_keys
from modular_cls.data.images import read_image
from modular_cls.data.manifest import Manifest
from modular_cls.data.preparation import Pixels
from modular_cls.data.shards import Shards
from modular_cls.errors import ImageError, ManifestError
from modular_cls.features.kept import features_folder
from modular_cls.jobs.cores import on_all_cores

_BATCH = 32
_SHARD = 512  # pictures after which what is done is on disk


def extract_features(
    manifest: Manifest, pixels: Pixels, network: nn.Module, digest: str, title: str = ""
) -> Tensor:
    """Pass each picture through a frozen network, unless that was done before.

    Features are kept in half precision by the digest of the weights, the pixels' settings and the
    digest of the picture, in the folder for what can be made again. Interrupted, it goes on;
    damaged rows are made anew. Memory does not grow with the pictures beyond the features
    themselves.

    Args:
        manifest: The pictures.
        pixels: How they are resized and scaled.
        network: In evaluation mode, `(B, 3, H, W) -> (B, F)`.
        digest: Of its weights.
        title: What to call it in a progress bar; blank shows none.

    Returns:
        Features in the order of the manifest, shape (N, F), single precision.

    Raises:
        ManifestError: Naming the rows whose pictures cannot be read, or whose features are not
            finite.
    """
    if not len(manifest):
        return _none(pixels, network)
    try:
        keys, bad = picture_keys(manifest, title)
    except NoRoomError as error:
        print(f"  features are made anew each time: {error}")
        return _all(manifest, pixels, network, title)
    _refuse(manifest, bad)
    store = Shards(features_folder(pixels, digest))
    places = store.find_sound(keys)
    if damaged := int(((store.find(keys) >= 0) & (places < 0)).sum()):
        print(f"  {damaged:,} kept features are damaged on disk; they are made again")
    missing = list({keys[i]: i for i in np.flatnonzero(places < 0).tolist()}.values())
    loose: dict[bytes, np.ndarray] = {}  # what the disk has no room for
    for positions, rows in _computed(manifest, missing, pixels, network, title):
        try:
            store.add(keys[positions], rows)
        except OSError as error:
            if not loose:
                print(f"  features are not kept: {store.folder}: {error.strerror or error}")
            loose |= zip(keys[positions].tolist(), rows, strict=True)
    places = store.find(keys)
    pairs = zip(keys.tolist(), places.tolist(), strict=True)
    every = [loose[key] if key in loose else store[place] for key, place in pairs]
    return torch.from_numpy(np.stack(every)).float()


@torch.inference_mode()
def _none(pixels: Pixels, network: nn.Module) -> Tensor:
    """Features of no picture, shape (0, F)."""
    device = next(network.parameters()).device
    width = network(torch.zeros(1, 3, *pixels.size, device=device)).shape[1]
    return torch.zeros(0, width)


def _all(manifest: Manifest, pixels: Pixels, network: nn.Module, title: str) -> Tensor:
    every = list(range(len(manifest)))
    parts = [rows for _, rows in _computed(manifest, every, pixels, network, title)]
    return torch.from_numpy(np.concatenate(parts)).float()


@torch.inference_mode()
def _computed(
    manifest: Manifest, positions: Sequence[int], pixels: Pixels, network: nn.Module, title: str
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Positions and their features, (n, F), half precision, a shard at a time."""
    done: list[int] = []
    rows: list[np.ndarray] = []
    for batch in _batches(manifest, positions, pixels, title):
        device = next(network.parameters()).device
        images = torch.stack([image for _, image in batch]).to(device)
        features = (
            network(images.contiguous(memory_format=torch.channels_last)).half().cpu().numpy()
        )
        _check_finite(manifest, [i for i, _ in batch], features)
        done += [i for i, _ in batch]
        rows.append(features)
        if len(done) >= _SHARD:
            yield done, np.concatenate(rows)
            done, rows = [], []
    if done:
        yield done, np.concatenate(rows)


def _batches(
    manifest: Manifest, positions: Sequence[int], pixels: Pixels, title: str
) -> Iterator[list[tuple[int, Tensor]]]:
    """Prepared pictures, decoded ahead on all cores."""

    def prepare(i: int) -> Tensor:
        file, named, box = manifest.file(i), manifest.named(i), manifest.box(i)
        return pixels(read_image(file, named, pixels.size, box, pixels.range, pixels.fit))

    batch: list[tuple[int, Tensor]] = []
    bad = Bad()
    for i, image in on_all_cores(prepare, positions, title):
        if isinstance(image, ImageError):
            bad[i] = image
            continue
        batch.append((i, image))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
    _refuse(manifest, bad)


def _check_finite(manifest: Manifest, positions: Sequence[int], rows: np.ndarray) -> None:
    wrong = [i for i, row in zip(positions, rows, strict=True) if not np.isfinite(row).all()]
    if wrong:
        problems = [f"{manifest.named(i)}: its features are not finite" for i in wrong]
        raise ManifestError(manifest.root, problems)


def _refuse(manifest: Manifest, bad: Bad) -> None:
    if bad:
        raise ManifestError(manifest.root, list(map(str, bad.values())))

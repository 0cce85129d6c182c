"""Manifest -> scarcity -> datasets -> loaders, as Lightning asks for them."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
from rich.progress import track
from torch.utils.data import DataLoader, Sampler

from modular_cls.config import Data, expand
from modular_cls.data.dataset import AttributeDataset, Example, collate_targets
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.sampling import BalancedSampler, UpdateSampler
from modular_cls.data.scarcity import apply_scarcity, held_out
from modular_cls.data.transforms import TrainTransform
from modular_cls.errors import ConfigError, ManifestError
from modular_cls.schema import Schema

_EVALUATION_BATCH = 250
# Decoded pictures of the last data set used, so that the runs of a study in one process share them.
# The key changes with the file and the size asked for.
_DECODED: dict[tuple[Path, int, tuple[int, int]], np.ndarray] = {}


class AttributeDataModule(pl.LightningDataModule):
    """The pictures of one run.

    Args:
        schema: Attributes and composites.
        data: Where the pictures are and how to load them.
        seed: Decides which scarce images are kept, and order and augmentation in training.
        updates: Length of the training loader.
        devices: Devices that share each batch.
        splits: The splits that must hold images; the others are left unread.

    Attributes:
        manifest: All rows left after scarcity.
        datasets: The dataset of each split asked for, images unchanged; `train` is augmented only
            by the training loader. With `data.hold_out`, `held_out` is there too and not in `train`.

    Raises:
        ManifestError: If the manifest does not fit, or a split that is needed has no rows.
        ConfigError: If the manifest's path needs an environment variable that is not set.
        ConfigError: If scarcity asks for more images than exist.
    """

    def __init__(
        self,
        schema: Schema,
        data: Data,
        seed: int,
        updates: int = 0,
        devices: int = 1,
        splits: tuple[str, ...] = SPLITS,
    ) -> None:
        super().__init__()
        if data.batch_size % devices:
            raise ConfigError(f"data.batch_size is {data.batch_size}; it must be a multiple of the {devices} devices")
        self.data, self.seed, self.updates, self.devices = data, seed, updates, devices
        self._everything = self.manifest = read_manifest(schema, data)
        for scarcity in data.scarcities:
            self.manifest = apply_scarcity(self.manifest, scarcity.joint_class, scarcity.keep, seed)
        self.datasets = {name: self._dataset(self.manifest.split(name)) for name in splits}
        if data.hold_out and "train" in splits:
            train = self.manifest.split("train")
            out = held_out(train, schema.joints[0], data.hold_out, seed)
            self.datasets |= {"train": self._dataset(train.select(~out)), "held_out": self._dataset(train.select(out))}
        for name in splits:
            if not len(self.datasets[name]):
                raise ManifestError(data.manifest, [f"split {name!r} has no images; give some rows that split"])

    @property
    def train_digest(self) -> str:
        """Digest of the list of training images, held-out ones included: equal lists, equal digests."""
        paths = sorted(map(str, self.manifest.split("train").paths))
        return hashlib.blake2b("\n".join(paths).encode(), digest_size=8).hexdigest()

    def decode(self, progress: bool = True) -> None:
        """Decode all images once, if they fit in memory; those that an earlier run here decoded are taken over.

        Args:
            progress: Show progress bars.

        Raises:
            ImageError: Naming the first manifest row whose picture cannot be read.
        """
        if sum(d.bytes_decoded for d in self.datasets.values()) > self.data.cache_gib * 2**30:
            return
        keys = {name: [_key(d, i) for i in range(len(d))] for name, d in self.datasets.items()}
        mine = {self._everything.file(i) for i in range(len(self._everything))}
        for key in [k for k in _DECODED if k[0] not in mine or k[2] != self.data.height_width]:
            del _DECODED[key]
        for name, dataset in self.datasets.items():
            new = [i for i, key in enumerate(keys[name]) if key not in _DECODED]
            with ThreadPoolExecutor(max(1, self.data.workers + 1)) as pool:  # Pillow decodes outside the lock
                decoded = track(pool.map(dataset.decode, new), f"Decoding {name}", len(new), disable=not progress)
                for i, image in zip(new, decoded, strict=True):
                    _DECODED[keys[name][i]] = image
            dataset.keep_decoded([_DECODED[key] for key in keys[name]])

    def train_dataloader(self) -> DataLoader[Example]:
        """One pass is the whole training: `updates` batches, each `(epoch, position)` drawn by seed."""
        train = self.datasets["train"]
        dataset = self._dataset(train.manifest, TrainTransform(self.data.augment, self.seed))
        dataset.share_decoded(train)
        # Lightning hands every device its share of the sampler; the batches shrink with it.
        length, share = self.updates * self.data.batch_size, self.data.batch_size // self.devices
        sampler: Sampler[tuple[int, int]]
        if self.data.sampling == "balanced":
            targets = train.targets[train.manifest.schema.joints[0].name].numpy()
            sampler = BalancedSampler(targets, length, self.seed)
        else:
            sampler = UpdateSampler(train.manifest.rows, length, self.seed)
        return self._loader(dataset, share, sampler)

    def val_dataloader(self) -> DataLoader[Example]:
        """The validation images in order, unchanged."""
        return self.split_dataloader("validation")

    def test_dataloader(self) -> DataLoader[Example]:
        """The test images in order, unchanged."""
        return self.split_dataloader("test")

    def split_dataloader(self, name: str) -> DataLoader[Example]:
        """The images of one split in order, unchanged."""
        return self._loader(self.datasets[name], _EVALUATION_BATCH)

    def _dataset(self, manifest: Manifest, transform: Callable[..., np.ndarray] | None = None) -> AttributeDataset:
        return AttributeDataset(manifest, self.data.height_width, self.data.mean, self.data.std, transform)

    def _loader(
        self, dataset: AttributeDataset, batch_size: int, sampler: Sampler[tuple[int, int]] | None = None
    ) -> DataLoader[Example]:
        # Looking at decoded images costs less than starting processes for them.
        workers = self.data.workers if sampler or not dataset.is_decoded else 0
        return DataLoader(
            dataset, batch_size, sampler=sampler, num_workers=workers, collate_fn=collate_targets
        )  # fmt: skip


def read_manifest(schema: Schema, data: Data) -> Manifest:
    """Read the manifest that a configuration names; says what the data set is if it is not there."""
    path = expand(data.manifest, data.about)
    if not path.is_file():
        about = [data.about.strip()] if data.about else []
        raise ManifestError(path, ["no such file (relative paths start at the current folder)", *about])
    return Manifest.read(path, schema, expand(data.root, data.about) if data.root else None)


def _key(dataset: AttributeDataset, position: int) -> tuple[Path, int, tuple[int, int]]:
    file = dataset.manifest.file(position)
    changed = file.stat().st_mtime_ns if file.is_file() else 0  # one that is not there fails when it is read
    return file, changed, dataset.size

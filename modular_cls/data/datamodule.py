"""Manifest -> scarcity -> datasets -> loaders, as Lightning asks for them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytorch_lightning as pl
from rich.progress import track
from torch.utils.data import DataLoader

from modular_cls.config import Data, expand
from modular_cls.data.dataset import AttributeDataset, Example, UpdateSampler, collate_targets
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.scarcity import apply_scarcity
from modular_cls.data.transforms import TrainTransform
from modular_cls.errors import ConfigError, ManifestError
from modular_cls.schema import Schema

_EVALUATION_BATCH = 250


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
            by the training loader.

    Raises:
        ManifestError: If the manifest does not fit, or a split that is needed has no rows.
        ConfigError: If the manifest's path needs an environment variable that is not set.
        ValueError: If scarcity asks for more images than exist.
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
        self.manifest = read_manifest(schema, data)
        for scarcity in data.scarcities:
            self.manifest = apply_scarcity(self.manifest, scarcity.joint_class, scarcity.keep, seed)
        self.datasets = {name: self._dataset(name) for name in splits}
        for name, dataset in self.datasets.items():
            if not len(dataset):
                raise ManifestError(data.manifest, [f"split {name!r} has no images; give some rows that split"])

    def decode(self, progress: bool = True) -> None:
        """Decode all images once, if they fit in memory.

        Args:
            progress: Show progress bars.

        Raises:
            ImageError: Naming the first manifest row whose picture cannot be read.
        """
        datasets = self.datasets.values()
        if sum(d.bytes_decoded for d in datasets) > self.data.cache_gib * 2**30:
            return
        for name, dataset in self.datasets.items():
            images = np.empty((len(dataset), *dataset.size, 3), dtype=np.uint8)
            with ThreadPoolExecutor(max(1, self.data.workers + 1)) as pool:  # Pillow decodes outside the lock
                decoded = pool.map(dataset.decode, range(len(dataset)))
                for i, image in enumerate(track(decoded, f"Decoding {name}", len(dataset), disable=not progress)):
                    images[i] = image
            dataset.keep_decoded(images)

    def train_dataloader(self) -> DataLoader[Example]:
        """One pass is the whole training: `updates` batches, each `(epoch, position)` drawn by seed."""
        dataset = self._dataset("train", TrainTransform(self.data.augment, self.seed))
        dataset.share_decoded(self.datasets["train"])
        # Lightning hands every device its share of the sampler; the batches shrink with it.
        length, share = self.updates * self.data.batch_size, self.data.batch_size // self.devices
        return self._loader(dataset, share, UpdateSampler(dataset.manifest.rows, length, self.seed))

    def val_dataloader(self) -> DataLoader[Example]:
        """The validation images in order, unchanged."""
        return self.split_dataloader("validation")

    def test_dataloader(self) -> DataLoader[Example]:
        """The test images in order, unchanged."""
        return self.split_dataloader("test")

    def split_dataloader(self, name: str) -> DataLoader[Example]:
        """The images of one split in order, unchanged."""
        return self._loader(self.datasets[name], _EVALUATION_BATCH)

    def _dataset(self, split: str, transform: Callable[..., np.ndarray] | None = None) -> AttributeDataset:
        data = self.data
        return AttributeDataset(self.manifest.split(split), data.height_width, data.mean, data.std, transform)

    def _loader(
        self, dataset: AttributeDataset, batch_size: int, sampler: UpdateSampler | None = None
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

"""Manifest -> scarcity -> datasets -> loaders, as Lightning asks for them."""

import hashlib
import math
from collections.abc import Callable

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader, Sampler

from modular_cls.config import Data, expand
from modular_cls.data.cache import (
    Bad,
    DecodedImages,
    NoRoomError,
    check_pictures,
    decode_once,
    picture_keys,
)
from modular_cls.data.dataset import AttributeDataset, Example, as_it_is
from modular_cls.data.limit import limit_rows
from modular_cls.data.manifest import SPLITS, Manifest
from modular_cls.data.overlap import repeated
from modular_cls.data.pipelines import check_pipeline
from modular_cls.data.preparation import Pixels
from modular_cls.data.sampling import BalancedSampler, SharedBatches, SharedSampler, UpdateSampler
from modular_cls.data.scarcity import held_out, make_scarce
from modular_cls.data.transforms import TrainTransform
from modular_cls.data.whereabouts import check_there
from modular_cls.errors import ConfigError, ManifestError
from modular_cls.jobs.signals import leave_signals_to_parent
from modular_cls.schema import Schema

_EVALUATION_BATCH = 250
_BALANCED = "data.sampling: balanced"
_NO_IMAGES = {name: f"split {name!r} has no images; give some rows that split" for name in SPLITS}
_NO_IMAGES["validation"] += ", or train without: training.validate_every: 0"
_NO_IMAGES["test"] += ", or name another split to measure on"


class AttributeDataModule(pl.LightningDataModule):
    """The pictures of one run.

    Args:
        schema: Attributes and composites.
        data: Where the pictures are and how to load them.
        seed: Decides which scarce images are kept, and order and augmentation in training.
        updates: Length of the training loader.
        devices: Devices that share each batch.
        splits: The splits that are read; the others are left unread.
        needed: Those of them that must hold images; default: all.
        progress: Show progress bars where pictures are read at once (`data.on_bad_image: skip`).

    Attributes:
        manifest: All rows left after scarcity.
        datasets: The dataset of each split asked for that has images, these unchanged; `train` is
            augmented only by the training loader. With `data.hold_out`, `held_out` is there too
            and not in `train`.
        skipped: Rows left out because their picture cannot be decoded.
        start: Updates that were done before; the training loader begins after them.
        repeated: After `find_repeated`, mask of the test images that are training images by
            content, shape (N,); None where that is not known.

    Raises:
        ManifestError: If the manifest does not fit, a split that is needed has no rows, or more
            pictures cannot be decoded than `data.max_bad` lets be skipped.
        ConfigError: If an environment variable is unset, or scarcity asks for more than there is.
    """

    def __init__(
        self,
        schema: Schema,
        data: Data,
        seed: int,
        updates: int = 0,
        devices: int = 1,
        splits: tuple[str, ...] = SPLITS,
        progress: bool = False,
        needed: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__()
        if data.batch_size % devices:
            advice = f"it must be a multiple of the {devices} devices"
            raise ConfigError(f"data.batch_size is {data.batch_size}; {advice}")
        if data.augmentation is not None and "train" in splits:
            check_pipeline(data.augmentation, data.height_width)
        self.data, self.seed, self.updates, self.devices = data, seed, updates, devices
        if data.sampling == "balanced":
            schema.counted(_BALANCED)
        self.start = 0
        self.repeated: np.ndarray | None = None
        self.manifest = read_manifest(schema, data)
        check_there(data.manifest, self.manifest.root, self.manifest.paths.tolist())
        if data.limit is not None:  # before any picture is read
            self.manifest = limit_rows(make_scarce(self.manifest, data, seed), data.limit, seed)
        self.skipped = self._skip_bad(splits, progress) if data.on_bad_image == "skip" else 0
        if data.limit is None:
            self.manifest = make_scarce(self.manifest, data, seed)
        self.datasets = {name: self._dataset(self.manifest.split(name)) for name in splits}
        if data.hold_out and "train" in splits:
            train = self.manifest.split("train")
            out = held_out(train, schema.counted("data.hold_out"), data.hold_out, seed)
            self.datasets |= {
                "train": self._dataset(train.select(~out)),
                "held_out": self._dataset(train.select(out)),
            }
        for name in splits:
            if len(self.datasets[name]):
                continue
            if needed is None or name in needed:
                raise ManifestError(data.manifest, [_NO_IMAGES[name]])
            del self.datasets[name]

    @property
    def train_digest(self) -> str:
        """Digest of the list of training images, held-out ones included.

        Equal lists, equal digests.
        """
        paths = sorted(map(str, self.manifest.split("train").paths))
        return hashlib.blake2b("\n".join(paths).encode(), digest_size=8).hexdigest()

    def decode(self, progress: bool = True) -> None:
        """Decode all images that no earlier run has decoded, if there is room to keep them.

        Else they are read anew.

        Args:
            progress: Show progress bars.

        Raises:
            ManifestError: Naming the rows whose pictures cannot be read.
        """
        if not self._fits(sum(map(len, self.datasets.values()))):
            return
        problems: list[str] = []
        for name, dataset in self.datasets.items():
            images, bad = self._decode_once(
                dataset.manifest, f"Decoding {name}" if progress else ""
            )
            problems += map(str, bad.values())
            dataset.keep_decoded(images)
        if problems:
            raise ManifestError(self.data.manifest, problems)

    def find_repeated(self, read: bool = False) -> None:
        """See which test images are training images by content.

        Args:
            read: Read the files of pictures that are not decoded; else it is then not known.
        """
        kinds = ("train", "held_out", "test")
        if not {"train", "test"} <= self.datasets.keys():
            return
        content = {k: d.content for k, d in self.datasets.items() if k in kinds}
        if read:
            try:
                content = {k: picture_keys(self.datasets[k].manifest)[0] for k in content}
            except NoRoomError:
                return
        known = [content.pop("test"), *content.values()]
        if all(each is not None for each in known):
            self.repeated = repeated(np.concatenate(known[1:]), known[0])  # type: ignore[arg-type]

    def train_dataloader(self) -> DataLoader[Example]:
        """One pass is the whole training.

        `updates` batches, each `(epoch, position)` drawn by seed.
        """
        train = self.datasets["train"]
        transform = TrainTransform(self.data.augment, self.seed, self.data.augmentation)
        dataset = self._dataset(train.manifest, transform)
        dataset.share_decoded(train)
        batch = self.data.batch_size
        length, start = self.updates * batch, self.start * batch
        sampler: UpdateSampler | BalancedSampler
        if self.data.sampling == "balanced":
            targets = train.targets[train.manifest.schema.counted(_BALANCED).name].numpy()
            sampler = BalancedSampler(targets, length, self.seed, start)
        else:
            sampler = UpdateSampler(train.manifest.rows, length, self.seed, start)
        if self.devices == 1:
            return self._loader(dataset, batch, sampler)
        shared = SharedSampler(sampler, batch, self._process, self.devices)
        return self._loader(dataset, batch // self.devices, shared)

    def val_dataloader(self) -> list[DataLoader[Example]]:
        """The validation images in order, unchanged; no loader where there are none.

        Of several processes, each has its part.
        """
        if "validation" not in self.datasets:
            return []
        dataset = self.datasets["validation"]
        if self.devices == 1 or len(dataset) < self.devices:
            return [self.split_dataloader("validation")]
        part = SharedBatches(len(dataset), _EVALUATION_BATCH, self._process, self.devices)
        return [DataLoader(dataset, batch_sampler=part, collate_fn=as_it_is)]

    def test_dataloader(self) -> DataLoader[Example]:
        """The test images in order, unchanged."""
        return self.split_dataloader("test")

    def split_dataloader(self, name: str) -> DataLoader[Example]:
        """The images of one split in order, unchanged."""
        return self._loader(self.datasets[name], _EVALUATION_BATCH)

    @property
    def _process(self) -> int:
        """Which of the processes that train together this is."""
        return self.trainer.global_rank if self.trainer is not None else 0

    def _skip_bad(self, splits: tuple[str, ...], progress: bool) -> int:
        """Leave out the rows whose picture cannot be decoded, before anything is counted.

        Returns how many.
        """
        looked_at = np.flatnonzero(
            np.isin(self.manifest.splits, [SPLITS.index(name) for name in splits])
        )
        rows, title = self.manifest.select(looked_at), "Reading all pictures" if progress else ""
        bad = (
            self._decode_once(rows, title)[1] if self._fits(len(rows)) else self._check(rows, title)
        )
        if len(bad) > self.data.max_bad * len(rows):
            share = (
                f"{len(bad):,} of {len(rows):,} pictures cannot be decoded; data.max_bad "
                f"allows {self.data.max_bad:.2%}"
            )
            raise ManifestError(self.data.manifest, [share, *map(str, bad.values())])
        keep = np.ones(len(self.manifest), dtype=bool)
        keep[looked_at[list(bad)]] = False
        self.manifest = self.manifest.select(keep)
        return len(bad)

    def _decode_once(self, manifest: Manifest, title: str) -> tuple[DecodedImages | None, Bad]:
        try:
            return decode_once(
                manifest, self.data.height_width, title, self.data.range, self.data.fit
            )
        except NoRoomError as error:
            print(f"  pictures are decoded anew each time: {error}")
            return None, self._check(manifest, title) if self.data.on_bad_image == "skip" else {}

    def _check(self, manifest: Manifest, title: str) -> Bad:
        return check_pictures(manifest, self.data.height_width, title, self.data.range)

    def _fits(self, images: int) -> bool:
        """Whether the folder for decoded pictures may hold as many."""
        return images * math.prod(self.data.height_width) * 3 <= self.data.cache_gib * 2**30

    def _dataset(
        self, manifest: Manifest, transform: Callable[..., np.ndarray] | None = None
    ) -> AttributeDataset:
        return AttributeDataset(manifest, Pixels.of(self.data), transform)

    def _loader(
        self,
        dataset: AttributeDataset,
        batch_size: int,
        sampler: Sampler[tuple[int, int]] | None = None,
    ) -> DataLoader[Example]:
        # Looking at decoded images costs less than starting processes for them.
        workers = self.data.workers if sampler or not dataset.is_decoded else 0
        return DataLoader(
            dataset,
            batch_size,
            sampler=sampler,
            num_workers=workers,
            collate_fn=as_it_is,
            worker_init_fn=leave_signals_to_parent,
            persistent_workers=bool(workers and sampler),  # which Lightning ends after an error
        )


def read_manifest(schema: Schema, data: Data) -> Manifest:
    """Read the manifest that a configuration names.

    Says what the data set is if it is not there.
    """
    path = expand(data.manifest, data.about)
    if not path.is_file():
        about = [data.about.strip()] if data.about else []
        raise ManifestError(
            path, ["no such file (relative paths start at the current folder)", *about]
        )
    root = expand(data.root, data.about) if data.root else None
    return Manifest.read(path, schema, root, contained=not data.allow_outside)

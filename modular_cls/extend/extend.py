"""More attributes and composites for a trained run: `modular-cls extend`.

Takes seconds; growth.py says how.
"""

import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from modular_cls import criteria
from modular_cls.data.datamodule import AttributeDataModule, read_manifest
from modular_cls.errors import ConfigError, ManifestError, shortened
from modular_cls.export.folder import RECORD
from modular_cls.export.read import is_export
from modular_cls.export.record import read_record
from modular_cls.extend.extension import read_extension
from modular_cls.extend.growth import Extended, extend_model
from modular_cls.files import check_free, new_folder, put_back
from modular_cls.runs.backbone_file import write_backbone
from modular_cls.runs.folder import (
    MARKER,
    Run,
    describe,
    write_classes,
    write_predictions,
    write_result,
    write_weights,
)
from modular_cls.training.evaluate import evaluate
from modular_cls.training.task import AttributeTask
from modular_cls.training.trainer import be_quiet, use_threads


def extend(
    folder: str | Path,
    more: str | Path,
    out: str | Path,
    overwrite: bool = False,
    progress: bool = True,
) -> Run:
    """Extend a run and write the result as a run folder.

    Args:
        folder: A run of ModularClassifier with Additive composite heads, or an export of one.
        more: YAML file; see `read_extension`.
        out: The run folder to write.
        overwrite: Replace an earlier run; it stays until the new one is complete.
        progress: Show progress bars.

    Raises:
        ConfigError: If the run cannot be extended by this; the message says why.
        ManifestError: If the images cannot be used.
        OutputExistsError: If `out` exists and may not be replaced.
    """
    started = time.monotonic()
    check_free(Path(out), overwrite, MARKER)
    folder = Path(folder)
    put_back(folder)
    run, place = (
        (read_record(folder), folder / RECORD) if is_export(folder) else (Run.load(folder), folder)
    )
    be_quiet()
    what = read_extension(place, run.config, Path(more))
    what = replace(what, config=replace(what.config, backbone=run.config.backbone))
    use_threads(what.config)
    done = extend_model(run, place, what)
    announce(done)
    return _write(run, done, Path(out), overwrite, progress, started)


def announce(done: Extended) -> None:
    """Say what was added, what changed with it, and which joint classes are out of reach."""
    model = done.model
    added = list(dict.fromkeys(chain.from_iterable(done.what.new.values())))
    for name, new_values in done.what.values.items():
        added += [f"{name} {value}" for value in new_values]
    images = f", from {done.images:,} labelled images" if done.images else ", without any image"
    print(f"{done.what.config.method}: {', '.join(added)} added{images}; all other weights stay")
    learned = [a.name for a in model.learned.attributes]
    for name in [n for n in (*done.what.new["attributes"], *done.what.values) if n in learned]:
        values = len(done.what.schema.attribute(name).values)
        print(f"  {name}: {_learned(done.notes[f'cross_validated/{name}'], values)}")
    if done.changed:
        spaces = ", ".join(j.name for j in done.fitted)
        print(
            f"  changed, for their joint space has grown into {spaces}: {', '.join(done.changed)}"
        )
    for joint in done.fitted:
        counts = done.scores.count(joint)
        reach = model.reachable(joint, counts > 0)
        composed = [
            n for n, c, r in zip(joint.class_names, counts, reach, strict=True) if r and not c
        ]
        lost = [n for n, r in zip(joint.class_names, reach, strict=True) if not r]
        if composed:
            print(f"  without images, reachable by composition: {shortened(composed)}")
        if lost:
            how = (
                "predicted all the same"
                if done.what.config.prediction.unreachable
                else "never predicted"
            )
            print(f"  without images, out of reach, {how}: {shortened(lost)}")


def _learned(accuracy: float | None, values: int) -> str:
    """How well a new attribute is learned.

    A backbone trained for other attributes may not show it at all.
    """
    if accuracy is None:
        return "a value has one labelled image only; how well it is learned cannot be told"
    guess = 1 / values
    poor = accuracy < (1 + guess) / 2
    advice = (
        "; the frozen backbone hardly shows it: more images, or training with this "
        "attribute, may help"
    )
    return (
        f"balanced accuracy {accuracy:.1%} on images left out in turn (guessing: "
        f"{guess:.1%}){advice if poor else ''}"
    )


def _write(
    run: Run, done: Extended, out: Path, overwrite: bool, progress: bool, started: float
) -> Run:
    config, schema, model = done.what.config, done.what.schema, done.model
    task = _task(done)
    with new_folder(out, overwrite, MARKER) as folder:
        results = _evaluated(task, done, folder, progress)
        metrics = {
            **describe(config),
            "train_images": int(done.scores.counts.sum()),
            "train_list": run.metrics.get("train_list"),
            "train_counts": {j.name: done.scores.count(j).tolist() for j in schema.joints}
            | _same_counts(run, done),
            "skipped_images": 0,
            "trainable_parameters": run.metrics.get("trainable_parameters"),
            "updates": run.metrics.get("updates"),
            "seconds": None,
            **results,
            "finish": done.notes,
            "extended": {
                **done.what.new,
                "values": done.what.values,
                "images": done.images,
                "changed": done.changed,
                "from": run.config.method,
            },
        }
        write_weights(folder, model.head_weights() if model.frozen else model.state_dict())
        write_backbone(folder, run.described)
        write_classes(folder, schema)
        done.scores.write(folder)
        metrics["seconds"] = round(time.monotonic() - started, 1)
        write_result(folder, config, metrics)
    return Run(config, model.cpu().eval(), metrics, run.described)


def _task(done: Extended) -> AttributeTask:
    config, schema = done.what.config, done.what.schema
    criterion = criteria.JointLikelihood(
        done.model.learned, {j.name: torch.ones(j.size) for j in schema.joints}, tau=0.0
    )
    scarce = [dict(s.joint_class) for s in config.data.scarcities]
    return AttributeTask(done.model, criterion, config.training, scarce)


def _evaluated(task: AttributeTask, done: Extended, folder: Path, progress: bool) -> dict[str, Any]:
    """Metrics of the splits that the manifest has; the run's own manifest may be gone."""
    config, schema = done.what.config, done.what.schema
    results: dict[str, Any] = {"validation": {}, "test": {}}
    data = replace(config.data, scarcity=None, hold_out=0.0)
    try:
        manifest = read_manifest(schema, data)
    except (ConfigError, ManifestError) as error:
        if done.what.has_images:
            raise
        print(f"  not tested: {error}")
        return results
    for split in results:
        if not len(manifest.split(split)):
            print(f"  no metrics of {split}: the manifest has no images of it")
            continue
        module = AttributeDataModule(schema, data, config.seed, splits=(split,))
        module.decode(progress)
        results[split] = evaluate(task, module, split, progress)
        if split == "test":
            write_predictions(folder / "predictions.csv", module.datasets[split], task.predicted)
    return results


def _same_counts(run: Run, done: Extended) -> dict[str, list[int]]:
    """Training images of the joint spaces that stay as they are: their training prior does, too."""
    counts: dict[str, list[int]] = run.metrics.get("train_counts") or {}
    stay = {j.name for j in done.what.schema.joints if j not in done.fitted}
    return {name: count for name, count in counts.items() if name in stay}

"""Train a configuration into a run folder: a fit, ended, tested and written."""

import time
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import torch

from modular_cls.config import Config
from modular_cls.errors import ConfigError, DivergedError, ModularClsError, OutputExistsError
from modular_cls.files import check_free, new_folder
from modular_cls.finish import Features
from modular_cls.jobs.signals import Interrupted, interruptible
from modular_cls.models.modular import ModularClassifier
from modular_cls.parsing import read_config
from modular_cls.runs.backbone_file import write_backbone
from modular_cls.runs.folder import (
    CONFIG,
    MARKER,
    Run,
    describe,
    read_marker,
    verify,
    write_classes,
    write_predictions,
    write_result,
    write_weights,
)
from modular_cls.runs.identity import same_run
from modular_cls.runs.scores import AttributeScores, additive
from modular_cls.training.checkpoint import FOLDER, TERMS, Checkpoints
from modular_cls.training.ending import Ending, finish_model
from modular_cls.training.finite import check_weights
from modular_cls.training.fit import Fit
from modular_cls.training.frozen import FrozenFit
from modular_cls.training.knob import knob_told
from modular_cls.training.trainer import is_first_process, one_voice, use_threads

_MARKERS = (MARKER, f"{FOLDER}/{TERMS}")
_FEATURES = "features that were made are kept"  # all that is slow on a frozen network


def train(
    config: Config,
    out: str | Path,
    overwrite: bool = False,
    progress: bool = True,
    resume: bool = False,
    executor: Executor | None = None,
) -> Run:
    """Train one configuration and write its run folder.

    Args:
        config: What to run.
        out: The run folder.
        overwrite: Replace an earlier run; it stays until the new one is complete. An unfinished one
            is begun anew.
        progress: Show progress bars.
        resume: Go on exactly where an unfinished run stopped, if there is one (before
            `overwrite`); one that is finished is left as it is.
        executor: Where the features of a frozen backbone are extracted; its workers see the same
            files, the cache folder included.

    Raises:
        ValueError: Before anything slow, if the configuration or the manifest does not fit; the
            message names the key or row, what came and what is accepted.
        DivergedError: If loss, gradients or weights are not finite any more.
        Interrupted: If a signal came; what is saved is told.
    """
    out = Path(out)
    checkpoints = Checkpoints(out / FOLDER)
    with interruptible(), one_voice():
        if is_first_process() and _is_done(out, checkpoints, config, overwrite, resume):
            print(f"{out} is finished already")
            return Run.load(out)
        try:
            fit = make_fit(config, progress, checkpoints)
            ending = fit.ending(config)
            fit.begin(resume)
            fit.announce()
            if executor is not None:
                _spread(fit, executor)
            fit.run(progress)
            return complete(fit, ending, config, out, True, progress)
        except Interrupted as stop:
            stop.advice = _FEATURES if config.backbone.frozen else checkpoints.saved()
            raise
        except DivergedError as error:
            raise DivergedError(f"{error}; {checkpoints.saved()}") from None
        except OSError as error:
            if not checkpoints.files():
                raise
            advice = (
                f"{checkpoints.saved()}; once that is mended, give the same command and --resume"
            )
            raise ModularClsError(f"{error}; {advice}") from error
        finally:
            checkpoints.leave()


def _spread(fit: Fit, executor: Executor) -> None:
    if not isinstance(fit, FrozenFit):
        raise ConfigError(
            "--cluster extracts features of a frozen backbone (backbone.frozen: true); a network "
            "that is trained uses several machines by training.strategy (docs/scale.md)"
        )
    fit.spread(executor)


def _is_done(
    out: Path, checkpoints: Checkpoints, config: Config, overwrite: bool, resume: bool
) -> bool:
    """Whether there is nothing to do; raises OutputExistsError if `out` may not be written to."""
    finished, unfinished = (out / MARKER).is_file(), bool(checkpoints.files())
    if unfinished and not (resume or overwrite):
        raise OutputExistsError(
            f"{out} holds an unfinished training: {checkpoints.saved()}. Add --resume to go on "
            "from there, or --overwrite to begin anew"
        )
    if finished and resume and not overwrite and not unfinished:
        verify(out, read_marker(out))
        if same_run(config, read_config(out / CONFIG)):
            return True
        raise OutputExistsError(
            f"{out} holds a finished run of another configuration; give another --out, or "
            "--overwrite to replace it"
        )
    begun = not finished and (out / _MARKERS[1]).is_file()
    check_free(out, overwrite or unfinished or begun, *_MARKERS)
    return False


def make_fit(config: Config, progress: bool = False, checkpoints: Checkpoints | None = None) -> Fit:
    """The fit that a configuration asks for: a network trained, or heads solved on a frozen one."""
    return (FrozenFit if config.backbone.frozen else Fit)(config, progress, checkpoints)


def complete(
    fit: Fit,
    ending: Ending,
    config: Config,
    out: str | Path,
    overwrite: bool = False,
    progress: bool = True,
) -> Run:
    """Finish a fitted model, test it and write the run folder.

    Args:
        fit: The fit, done; several runs may end it in different ways.
        ending: How this run ends it: `fit.ending(config)`.
        config: What to run; differs from the fit's in its ending only.
        out: The run folder.
        overwrite: Replace an earlier run; it stays until the new one is complete.
        progress: Show progress bars.
    """
    out, started = Path(out), time.monotonic()
    config = fit.resolved(config)
    use_threads(config)  # the loaders are done
    fit.restore()
    fit.model.set_priors(ending.priors)
    with new_folder(out, overwrite, *_MARKERS) as folder:
        notes, cached = finish_model(fit.model, ending, fit.features)
        check_weights(fit.model.state_dict(), "after the finish steps")
        metrics = {
            **describe(config),
            "knob": knob_told(config),
            "train_images": len(fit.data.manifest.split("train")),
            "train_list": fit.data.train_digest,
            "train_counts": {name: counts.tolist() for name, counts in fit.counts["train"].items()},
            "skipped_images": fit.data.skipped,
            "test_images_in_training": fit.test_images_in_training,
            "trainable_parameters": fit.parameters,
            **fit.facts(),
            "seconds": None,
            **_measured(fit, progress),
            "finish": fit.task.criterion.notes() | notes,
        }
        # Saved after the finish steps, so that the weights on disk are those that were tested.
        write_weights(folder, fit.saved_weights())
        write_backbone(folder, fit.described)
        (folder / "log.csv").write_text(fit.log, encoding="utf-8")
        if test := fit.data.datasets.get("test"):
            write_predictions(folder / "predictions.csv", test, fit.task.predicted)
        write_classes(folder, fit.schema)
        if model := additive(fit.model):
            _keep_scores(folder, fit, model, cached)
        metrics["seconds"] = round(fit.seconds + time.monotonic() - started, 1)
        write_result(folder, config, metrics)
    return Run(config, fit.model.cpu().eval(), metrics, fit.described)


def _measured(fit: Fit, progress: bool) -> dict[str, dict[str, Any]]:
    """Metrics of validation and then test; empty for a split without images."""
    return {
        split: fit.evaluate(split, progress) if split in fit.data.datasets else {}
        for split in ("validation", "test")
    }


@torch.no_grad()
def _keep_scores(
    folder: Path, fit: Fit, model: ModularClassifier, cached: dict[str, Features]
) -> None:
    train = cached.get("train") or fit.features("train")
    # Testing in bf16-true leaves its type behind.
    model.to(train.features.device, torch.float32)
    scores = train.scores or model.attribute_scores(train.features)
    AttributeScores.draw(model.learned, scores, train.targets, fit.config.seed).write(folder)

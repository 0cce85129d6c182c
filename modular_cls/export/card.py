"""The model card: README.md with the front matter of the Hugging Face Hub, filled from the run.

The text is card.md.
"""

from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from modular_cls import __version__
from modular_cls.config import Config
from modular_cls.export.folder import FITTED, GRAPH, RECORDED, target_prior
from modular_cls.runs.folder import Run
from modular_cls.runs.score_table import NAMES
from modular_cls.schema import Composite

CARD = "README.md"
_TEMPLATE = Path(__file__).with_name("card.md")
_METRICS = {**NAMES, "accuracy": "accuracy"}
_UNKNOWN = "not known"


def write_card(folder: Path, run: Run, licence: str) -> None:
    """Write the card of a run; `model.onnx` and scores are told of where they have been written."""
    config, schema = run.config, run.model.schema
    # A path would tell of the machine that trained it.
    data = Path(config.data.manifest).parent.name or "unnamed"
    name = f"{config.method} on {data}"
    front = ModelCardData(
        license=licence,
        library_name="timm",
        pipeline_tag="image-classification",
        tags=["timm", "modular_cls", "attributes", "compositional-generalization"],
        model_name=name,
        eval_results=_eval_results(run.metrics["test"], data),
    )
    content: dict[str, Any] = {
        "name": name,
        "version": __version__,
        "data": data,
        "onnx": (folder / GRAPH).is_file(),
        "extensible": (folder / RECORDED[-1]).is_file(),
        "attributes": [a.name for a in schema.attributes],
        "composites": [c.name for c in schema.composites],
        "outputs": [
            {"name": _cell(o.name), "classes": [_cell(c) for c in o.class_names]}
            for o in schema.outputs
        ],
        "classes": [row for joint in schema.joints for row in _classes(joint, run)],
        "metrics": [
            _table(o, run.metrics["test"][o.name], bool(config.data.scarcities))
            for o in schema.outputs
            if o.name in run.metrics["test"]
        ],
        "prior": _prior(config),
        "rights": "Its licence was not told." if licence == "other" else f"Its licence: {licence}.",
    }
    card = ModelCard.from_template(front, template_path=str(_TEMPLATE), **content, **_method(run))
    (folder / CARD).write_text(card.content, encoding="utf-8")


def _method(run: Run) -> dict[str, Any]:
    config, metrics = run.config, run.metrics
    images = metrics.get("train_images")
    return {
        "method": config.method,
        "model": _part(config.model),
        "criterion": _part(config.criterion),
        "finish": ", then ".join(map(_part, config.finish)) or "nothing",
        "backbone": config.backbone.name.rpartition("/")[2],
        "start": "pretrained weights" if config.backbone.pretrained else "random weights",
        "height": config.data.height_width[0],
        "width": config.data.height_width[1],
        "limited_to": metrics.get("limited_to"),
        "fitted": FITTED[config.data.fit],
        "about": (config.data.about or "").strip().splitlines(),
        "train_images": _UNKNOWN if images is None else f"{images:,}",
        "scarce": [_scarce(dict(s.joint_class), s.keep) for s in config.data.scarcities],
        **{key: metrics.get(key, _UNKNOWN) for key in ("updates", "learning_rate", "seed")},
    }


def _scarce(values: dict[str, str], keep: int | None) -> str:
    named = " and ".join(f"{attribute} {value}" for attribute, value in values.items())
    return f"Rare: {named}; " + (
        "all of its training images were kept." if keep is None else f"k = {keep} were kept."
    )


def _prior(config: Config) -> str:
    prior = config.prediction.prior
    return f"`{prior}`" if isinstance(prior, str) else "of the configuration"


def _part(part: dict[str, Any]) -> str:
    arguments = ", ".join(f"{key}={value}" for key, value in part.items() if key != "name")
    return f"`{part['name']}`" + (f" ({arguments})" if arguments else "")


def _classes(joint: Composite, run: Run) -> list[dict[str, str]]:
    shares = target_prior(run)["shares"][joint.name]
    counts = (run.metrics.get("train_counts") or {}).get(joint.name, [_UNKNOWN] * joint.size)
    rows = zip(joint.class_names, shares, counts, strict=True)
    return [
        {"name": _cell(name), "share": f"{share:.3g}", "images": str(count)}
        for name, share, count in rows
    ]


def _table(output: Composite, scores: dict[str, Any], rare: bool) -> dict[str, Any]:
    rows = [
        {
            "name": _cell(name),
            "recall": _percent(scores["recall"][name]),
            "support": scores["support"][name],
        }
        for name in output.class_names
    ]
    metrics = [key for key in _METRICS if key in scores and (rare or key != "rare_class_recall")]
    summary = [(_METRICS[key], _percent(scores[key])) for key in metrics]
    return {"name": output.name, "summary": summary, "rows": rows}


def _eval_results(test: dict[str, Any], data: str) -> list[EvalResult] | None:
    """The defined metrics of the test split, as fractions."""
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=data,
            dataset_name=data,
            dataset_split="test",
            metric_type=key,
            metric_name=f"{output} {label}",
            metric_value=scores[key],
        )
        for output, scores in test.items()
        for key, label in _METRICS.items()
        if scores.get(key) is not None
    ] or None


def _percent(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.1f} %"


def _cell(text: str) -> str:
    """Text that cannot break a table."""
    return text.replace("|", "\\|").replace("\n", " ")

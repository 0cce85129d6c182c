"""`modular-cls predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modular_cls.arguments import Parser, add_overwrite
from modular_cls.errors import ModularClsError

if TYPE_CHECKING:
    from modular_cls.predict.predict import Counted


def _here(asked: Any) -> "Counted":
    from modular_cls.predict.predict import parse_given
    from modular_cls.predict.predict import predict as predict_pictures

    return predict_pictures(
        asked.model,
        asked.images,
        asked.out,
        asked.root,
        asked.prior,
        parse_given(asked.given or []),
        asked.batch_size,
        asked.device,
        asked.overwrite,
        engine=asked.engine,
    )


def _on_cluster(asked: Any) -> "Counted":
    from modular_cls.jobs.executors import connect
    from modular_cls.predict.cluster import SHARD, predict_on
    from modular_cls.predict.mapped import TablePredictor
    from modular_cls.predict.predict import parse_given

    predictor = TablePredictor(
        asked.model,
        asked.prior,
        parse_given(asked.given or []),
        batch_size=asked.batch_size or 64,
        engine=asked.engine,
        device=asked.device,
        embeddings=asked.embeddings,
    )
    shard = SHARD if asked.shard is None else asked.shard
    with connect(asked.cluster) as executor:
        return predict_on(
            executor, predictor, asked.images, asked.out, asked.root, asked.overwrite, shard
        )


def predict(prog: str, arguments: list[str]) -> None:
    """Pictures in, a table of predictions out; goes on where it was interrupted."""
    parser = Parser(prog=prog, description=predict.__doc__)
    parser.add_argument(
        "model", type=Path, metavar="RUN_OR_EXPORT", help="folder of a run or an export"
    )
    parser.add_argument(
        "images",
        nargs="+",
        metavar="IMAGES",
        help="files, folders, patterns, or a table (CSV, Parquet)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="table to write: .csv, or .parquet (needs pyarrow)"
    )
    parser.add_argument(
        "--root", help="folder that a table's paths are relative to; default the table's own"
    )
    parser.add_argument(
        "--prior",
        choices=["uniform", "training"],
        help="shares of joint classes expected; default the run's prediction.prior",
    )
    parser.add_argument(
        "--given",
        action="append",
        metavar="ATTRIBUTE=VALUE",
        help="is so in all pictures; repeatable",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        help="pictures that pass the network at once; default what is fastest on the first ones",
    )
    parser.add_argument(
        "--engine",
        choices=["auto", "torch", "onnx"],
        default="auto",
        help="onnx: ONNX Runtime on the model.onnx of an export; auto takes it on a CPU",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda ...")
    parser.add_argument(
        "--cluster", help="address of a dask scheduler that computes it, such as tcp://host:8786"
    )
    parser.add_argument(
        "--shard", type=int, help="on a cluster: pictures of a part of the table; default 2000"
    )
    parser.add_argument(
        "--embeddings", action="store_true", help="on a cluster: features of the backbone, too"
    )
    add_overwrite(parser)
    asked = parser.parse_args(arguments)
    if not asked.cluster and (asked.shard is not None or asked.embeddings):
        raise ModularClsError("--shard and --embeddings belong to --cluster, which is not given")
    table = _on_cluster(asked) if asked.cluster else _here(asked)
    if table.bad == table.images:
        raise ModularClsError(
            f"none of {table.images:,} images could be predicted; see column error of {asked.out}"
        )
    resumed = (
        f", {table.resumed:,} of them by an earlier job that was interrupted"
        if table.resumed
        else ""
    )
    print(f"{table.images:,} images are in {asked.out}{resumed}; computed by {table.engine}")
    if table.changed:
        print(f"{table.changed:,} pictures changed since then, and were looked at again")
    if table.known:
        print(f"{table.known:,} of them by features that were kept when something was trained")
    if table.left_out:
        print(f"left out: {table.left_out}")
    if table.bad:
        print(f"{table.bad:,} of them could not be predicted; the column error says why")

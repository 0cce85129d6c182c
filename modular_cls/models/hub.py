"""Whether what a hub holds can be had: found out within seconds, where its own client tries on."""

from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

import torch
from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

CONFIG: tuple[str, ...] = ("config.json",)
# As timm looks for them; any one of them will do.
WEIGHTS: tuple[str, ...] = (
    "model.safetensors",
    "pytorch_model.bin",
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.bin",
)
_PATIENCE = 3.0  # seconds for the hub to answer
_DEADLINE = 4.0  # with the look-up of its address, which has no limit of its own


def why_out_of_reach(repository: str, needed: Sequence[Sequence[str]]) -> str | None:
    """Say why files of a repository cannot be had, or None where they can.

    Args:
        repository: As `owner/name`, or `owner/name@revision`.
        needed: Files; of each entry one is enough.
    """
    name, _, revision = repository.partition("@")

    def is_kept(file: str) -> bool:
        return isinstance(try_to_load_from_cache(name, file, revision=revision or None), str)

    if name and all(any(map(is_kept, files)) for files in needed):
        return None
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    return _no_answer(constants.ENDPOINT)


def why_not_loaded(url: str) -> str | None:
    """Say why weights that lie at an address, not in a hub, cannot be had; None where they can."""
    place = urlsplit(url)
    if Path(torch.hub.get_dir(), "checkpoints", Path(place.path).name).is_file():
        return None
    return _no_answer(f"{place.scheme}://{place.netloc}")


def _no_answer(url: str) -> str | None:
    """Why a server cannot be asked, by way of a proxy where the environment names one."""
    answers: SimpleQueue[str | None] = SimpleQueue()

    def ask() -> None:
        try:
            get_session().head(url, timeout=_PATIENCE)
        except Exception as error:  # of whichever client the hub's library uses
            answers.put(f"{url} does not answer: {error}")
        else:
            answers.put(None)

    Thread(target=ask, daemon=True).start()  # left behind when it hangs
    try:
        return answers.get(timeout=_DEADLINE)
    except Empty:
        return f"{url} does not answer within {_DEADLINE:g} s"

"""Cores, GPU, and the folder of what can be made again."""

import importlib
import os
import shutil
from pathlib import Path

from modular_cls.doctor.finding import Finding
from modular_cls.files import CACHE_VARIABLE, cache_folder
from modular_cls.jobs.cores import count_cores

_MOST_FOLDERS = 6


def find_cores() -> Finding:
    """Cores that this process may use, and how threads wait on them."""
    lines = [f"{count_cores()} that this process may use"]
    if (policy := os.environ.get("OMP_WAIT_POLICY")) != "passive":
        lines.append(f"OMP_WAIT_POLICY is {policy}: on busy cores training is many times slower")
    return Finding("cores", lines)


def find_gpu() -> Finding:
    """Devices that torch can compute on; that torch and torchvision load at all."""
    try:
        import torch

        importlib.import_module("torchvision")  # which fails where it belongs to another torch
    except (ImportError, OSError, RuntimeError) as error:
        advice = "install torch and torchvision from one source, in versions that belong together"
        return Finding("GPU", [f"torch does not load: {error}", advice], wrong=True)
    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        return Finding("GPU", [f"{c.name}, {gib(c.total_memory)}" for c in cards])
    if torch.backends.mps.is_available():
        return Finding("GPU", ["Apple's, by way of MPS"])
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
    return Finding("GPU", [f"none that torch can use ({built}); all runs on the cores"])


def find_cache() -> Finding:
    """Where decoded pictures, features and weights are kept, how large it is, and if it works."""
    folder = cache_folder()
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free = f"{gib(shutil.disk_usage(there).free)} free"
    parts = {p: _size(p) for p in sorted(folder.iterdir())} if folder.is_dir() else {}
    lines = [f"{folder}: {gib(sum(parts.values()))} in use, {free}; may be deleted at any time"]
    largest = sorted(parts, key=lambda p: -parts[p])[:_MOST_FOLDERS]
    lines += [f"  {gib(parts[p])} in {p.name}" for p in largest]
    if not (there.is_dir() and os.access(there, os.W_OK)):
        advice = f"set {CACHE_VARIABLE} to a folder that can"
        lines.append(f"it cannot be written to, so every start decodes all pictures anew; {advice}")
    return Finding("cache", lines)


def gib(size: float) -> str:
    """A number of bytes in words."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 / 10 else f"{size / 2**20:.1f} MiB"


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; one that vanishes meanwhile counts nothing."""
    total = 0
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total

"""Where features of pictures are kept."""

from tests.models.weights_folder import write_weights
from tests.training.small_trainings import train_on


def test_features_of_other_weights_are_never_mixed(faces_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "cache"))
    found = {}
    for seed in (0, 1):
        name = write_weights(tmp_path / "weights", seed=seed)
        assert train_on(faces_dir, tmp_path / f"run{seed}", name) == 0
        found[seed] = (tmp_path / f"run{seed}/checkpoints/last.safetensors").read_bytes()
    assert len(list((tmp_path / "cache/features").iterdir())) == 2
    monkeypatch.setenv("MODULAR_CLS_CACHE", str(tmp_path / "fresh"))
    assert train_on(faces_dir, tmp_path / "again", name) == 0
    assert (tmp_path / "again/checkpoints/last.safetensors").read_bytes() == found[1] != found[0]

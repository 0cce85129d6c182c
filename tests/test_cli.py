"""The frame of the command line: its version, its verbs, its help."""

import subprocess
import sys

import modular_cls
from modular_cls.cli import main


def test_frame(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == modular_cls.__version__
    assert main([]) == 0
    assert "train" in capsys.readouterr().out
    assert main(["trian"]) == 2
    assert "did you mean 'train'" in capsys.readouterr().err
    assert main(["evaluate", "nowhere"]) == 1
    out = subprocess.run(
        [sys.executable, "-m", "modular_cls", "evaluate", "--help"], capture_output=True, text=True
    )
    assert out.returncode == 0
    assert "--manifest" in out.stdout

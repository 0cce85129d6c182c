import subprocess
import sys
from pathlib import Path

import converter
import folders
import numpy as np
import pytest
from converter import Labels, command_line, make_manifest, run

from modular_cls.errors import ManifestError
from tests.data_prep.trees import folders as tree

SCRIPTS = Path(converter.__file__).parent
CONVERTERS = (
    "berkeley",
    "celeba",
    "folders",
    "market1501",
    "mnist",
    "pa100k",
    "peta",
    "table",
    "utkface",
)


def made(given):
    return make_manifest(given.root, ["a/1.png", "2.png"], np.array([0, 2]),
                         {"hair": Labels(("long", "short"), np.array([1, -1]))}, {"identity": ["x", ""]})  # fmt: skip


@pytest.mark.parametrize("name", CONVERTERS)
def test_every_converter_runs_as_a_script_from_anywhere(name, tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPTS / f"{name}.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "--out" in done.stdout


def test_what_is_told(tmp_path, capsys):
    out = tmp_path / "new" / "m.csv"
    assert run(command_line("", also=False), made, [str(tmp_path), "--out", str(out)]) == 0
    assert out.read_text() == "path,split,hair,identity\na/1.png,train,short,x\n2.png,test,,\n"
    told = capsys.readouterr()
    assert (
        told.err
        == f"note: split 'validation' has no rows\nwarning: 2 of 2 pictures are missing under {tmp_path}\n"
    )
    assert told.out.splitlines() == [
        "hair: long 0, short 1; unknown 1",
        "        train validation test",
        "long        0          0    0",
        "short       1          0    0",
        "unknown     0          0    1",
        "all         1          0    1",
        f"2 rows written to {out}; the pictures' paths are relative to {tmp_path}",
    ]


def test_nothing_is_told_after_the_end(tmp_path, capsys):
    run(command_line("", also=False), made, [str(tmp_path), "--out", str(tmp_path / "m.csv")])
    capsys.readouterr()
    converter.log.warning("later")
    assert "later" not in capsys.readouterr().err


def test_a_manifest_is_replaced_and_nothing_else(tmp_path, capsys):
    arguments = [str(tmp_path), "--out", str(tmp_path / "m.csv")]
    for before, status in (
        (b"", 0),
        (b"path,split,age\n", 0),
        (b"picture,split\n", 1),
        (b"\x00" * 99, 1),
    ):
        (tmp_path / "m.csv").write_bytes(before)
        assert run(command_line("", also=False), made, arguments) == status
        assert ((tmp_path / "m.csv").read_bytes() == before) == bool(status)
    assert run(command_line("", also=False), made, [str(tmp_path), "--out", str(tmp_path)]) == 1
    assert "exists and is not a manifest; give another --out" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_an_error(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert (
        run(
            command_line("", also=False),
            made,
            [str(tmp_path), "--out", str(tmp_path / "file/m.csv")],
        )
        == 1
    )
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


def test_joint_classes_whose_names_run_together(tmp_path):
    labels = {
        "a": Labels(("x", "x_y"), np.zeros(1, int)),
        "b": Labels(("y_z", "z"), np.zeros(1, int)),
    }
    manifest = make_manifest(tmp_path, ["1"], np.zeros(1), labels)
    assert [a.name for a in manifest.schema.attributes] == ["a", "b"]


def test_many_classes_are_counted_but_not_listed(tmp_path, capsys):
    names = [f"class{i}" for i in range(30)]
    root = tree(tmp_path / "mine", names, each=1)
    assert folders.main([str(root), "--out", str(tmp_path / "m.csv")]) == 0
    out = capsys.readouterr().out
    assert out.count("class7") == 1  # among the values; not as a joint class
    assert "all        21          3    6" in out


def test_a_manifest_needs_rows(tmp_path):
    with pytest.raises(ManifestError, match="no pictures are left"):
        make_manifest(tmp_path, [], np.zeros(0), {"a": Labels(("x", "y"), np.zeros(0, int))})

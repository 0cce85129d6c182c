"""The pictures that a table lists, with boxes."""

import shutil

from tests.predict.small_jobs import predict, read


def test_a_table_of_images_with_boxes(run_dir, faces_dir, folder, tmp_path):
    lines = [
        "path,box,remark",
        "0.png,,",
        "0.png,0 0 32 64,half",
        "../photos/1.png,,",
        "../out.png,,",
        "no.png,,",
        "0.png,500 500 9 9,",
    ]
    (folder / "table.csv").write_text("\n".join(lines))
    shutil.copy(folder / "1.png", folder.parent / "out.png")
    assert predict(run_dir, tmp_path / "t.csv", folder / "table.csv") == 0
    assert list(read(tmp_path / "t.csv")[0])[:4] == ["path", "box", "error", "hair"]
    whole, half, inside, outside, missing, beside = read(tmp_path / "t.csv")
    assert half["box"] == "0 0 32 64"
    assert half["hair=long"] != whole["hair=long"]
    assert inside["error"] == whole["error"] == ""
    assert "outside of the root" in outside["error"]
    assert "row 6, " in missing["error"]
    assert "no such file" in missing["error"]
    assert "beside its" in beside["error"]
    (tmp_path / "moved").mkdir()
    shutil.copy(folder / "table.csv", tmp_path / "moved")
    assert (
        predict(run_dir, tmp_path / "again.csv", tmp_path / "moved" / "table.csv", "--root", folder)
        == 0
    )
    again = read(tmp_path / "again.csv")
    assert [r["hair=long"] for r in again] == [
        r["hair=long"] for r in (whole, half, inside, outside, missing, beside)
    ]

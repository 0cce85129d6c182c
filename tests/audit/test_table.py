"""Tables that training refuses or would misread, and the schema read off a table."""

from collections import Counter

import pytest

from modular_cls.cli import main


def test_what_training_refuses_is_told_in_its_words(faces):
    faces.rows[0]["hair"] = "lonk"
    faces.rows[1]["split"] = "trian"
    faces.rows[2]["path"] = "../elsewhere.png"
    faces.rows[3]["path"] = faces.rows[4]["path"]
    status, text, found = faces.audit()
    assert status == 1
    assert found["table"]["examples"] == [
        "row 3, column split: 'trian' is not one of train, validation, test; did you mean 'train'?",
        "row 2, column hair: 'lonk' is not one of short, long or blank; did you mean 'long'?",
        f"row 6, column path: {faces.rows[4]['path']!r} stands in an earlier row too",
        f"row 4, column path: '../elsewhere.png' leaves the root {faces.folder}",
    ]
    assert all(problem.split(",")[0] in text for problem in found["table"]["examples"])
    assert found["value"]["rows"] == [2, 3]
    assert found["value"]["examples"][1] == "column hair: 'lonk', 1 rows, the first is row 2"
    assert faces.report["labels"]["splits"]["none"] == 1
    assert faces.report["labels"]["unknown"] == {"hair": 1, "gender": 0}


def test_many_problems_are_counted(faces):
    for row in faces.rows[:45]:
        row["hair"] = "x"
    for row in faces.rows[45:48]:
        row["hair"] = "y"
    _, text, found = faces.audit()
    assert found["table"]["count"] == found["value"]["count"] == 48
    assert len(found["table"]["examples"]) == 20
    squeezed = " ".join(text.split())
    assert squeezed.count("'x' is not one of") == squeezed.count("'y' is not one of") == 1
    assert "and 44 more like it: rows 3, 4, 5, 6, 7 ..." in squeezed


def test_values_spelt_otherwise_count_as_what_is_meant(faces):
    faces.rows[0]["hair"], faces.rows[5]["hair"] = "Short ", "SHORT"
    faces.rows[1]["split"] = "Train"
    status, _, found = faces.audit()
    assert status == 1
    assert set(found) == {"table", "spelling"}
    assert found["spelling"]["rows"] == [2, 3, 7]
    assert (
        "column hair: 'Short ' for 'short', 1 rows, the first is row 2"
        in found["spelling"]["examples"]
    )
    assert faces.report["labels"]["splits"]["train"] == sum(
        r["split"] in ("train", "Train") for r in faces.rows
    )
    assert faces.report["labels"]["unknown"]["hair"] == 0


def test_a_column_that_is_missing_hides_nothing_else(faces):
    for row in faces.rows:
        del row["gender"]
    faces.path(7).unlink()
    status, _, found = faces.audit()
    assert status == 1
    assert found["table"]["examples"] == ["no column 'gender'"]
    assert found["missing"]["rows"] == [9]
    for row in faces.rows:
        del row["path"]
    assert faces.found()["table"]["examples"][0].startswith("no column 'path'")


def test_spellings_of_a_number_are_told_and_read_as_one(faces):
    drawn = Counter(row["hair"] for row in faces.rows)
    for i, row in enumerate(faces.rows):
        row["hair"] = {"short": ("0", "0.0", "False"), "long": ("1", "1.0", "TRUE")}[row["hair"]][
            i % 3
        ]
    schema = faces.folder / "numbers.yaml"
    schema.write_text(
        "schema: {attributes: {hair: [0, 1], gender: [female, male]},"
        " composites: {both: {attributes: [hair, gender]}}}"
    )
    status, _, found = faces.audit("--config", str(schema), "--data.scarcity", "null")
    assert status == 0
    assert [text.split(" is written")[0] for text in found["spellings"]["examples"]] == [
        "column hair: '0'",
        "column hair: '1'",
    ]
    both = [drawn["short"], drawn["long"]]
    assert faces.report["labels"]["values"]["hair"] == dict(zip("01", both, strict=True))
    found = faces.found("--no-pictures", config=[])
    assert list(faces.report["labels"]["values"]["hair"].values()) == both
    assert "spellings" in found


def test_words_for_unknown_are_no_values(faces):
    for row, word in zip(faces.rows, ("NaN", "unknown", "n/a"), strict=False):
        row["hair"] = word
    status, _, found = faces.audit("--no-pictures", config=[])
    assert status == 1
    assert faces.report["schema"]["attributes"]["hair"] == ["long", "short"]
    assert found["value"]["rows"] == [2, 3, 4]
    assert "'NaN' (a word for unknown), 1 rows" in found["value"]["examples"][0]


def test_hyphens_and_yes_for_1_look_alike(faces):
    for row in faces.rows:
        row["style"] = "long hair" if row["hair"] == "long" else "1"
    faces.rows[0]["style"], faces.rows[1]["style"] = "Long-Hair", "yes"
    _, _, found = faces.audit("--no-pictures", config=[])
    assert found["spelling"]["rows"] == [2, 3]


def test_where_none_of_the_pictures_is_there_the_reason_is_told(faces):
    for row in faces.rows:
        row["path"] = row["path"].removesuffix(".png")
    status, _, found = faces.audit()
    assert status == 1
    assert "none is; " in found["missing"]["what"]
    assert "has no ending; " in found["missing"]["what"]


def test_schema_values_alike(faces):
    faces.rows[0]["hair"] = "Long "
    schema = faces.folder / "alike.yaml"
    schema.write_text(
        "schema: {attributes: {hair: [short, long, 'Long '], gender: [female, male]},"
        " composites: {both: {attributes: [hair, gender]}}}"
    )
    found = faces.found("--config", str(schema))
    assert found["schema_spelling"]["examples"] == [
        "attribute hair: 'Long ' beside 'long'",
        "composite both: 'Long _female' beside 'long_female'",
        "composite both: 'Long _male' beside 'long_male'",
    ]
    assert faces.report["labels"]["values"]["hair"] == Counter(r["hair"] for r in faces.rows)
    assert "spelling" not in found


def test_without_a_schema_it_is_read_off_the_table(faces):
    for i, row in enumerate(faces.rows):
        row |= {
            "note": str(i),
            "glasses": ["no", "yes", "yes", " Yes"][i % 4],
            "box": "",
            "same": "x",
        }
    status, text, found = faces.audit(config=[])
    assert status == 1
    assert faces.report["schema_from_table"]
    assert faces.report["schema"] == {
        "attributes": {
            "hair": ["long", "short"],
            "gender": ["female", "male"],
            "glasses": ["no", "yes"],
        },
        "composites": {"hair_gender_glasses": {"attributes": ["hair", "gender", "glasses"]}},
    }
    assert found["spelling"]["count"] == len(faces.rows) // 4
    assert found["schema_from_table"]["examples"][-2:] == [
        f"column note: {len(faces.rows)} different values",
        "column same: 1 different values",
    ]
    assert "read off the table" in text


def test_only_so_many_attributes_are_composed(faces):
    for i, row in enumerate(faces.rows):
        row |= {"a": f"a{i % 20}", "b": f"b{i % 19}"}
    faces.audit("--no-pictures", config=[])
    schema = faces.report["schema"]
    assert list(schema["attributes"]) == ["hair", "gender", "a", "b"]
    assert schema["composites"] == {"hair_gender_a": {"attributes": ["hair", "gender", "a"]}}


def test_a_table_without_attributes(faces):
    for row in faces.rows:
        del row["hair"], row["gender"]
    faces.write()
    assert main(["audit", str(faces.folder / "manifest.csv")]) == 1
    assert "no column has 2 to 20 different values" in faces.capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"path,split\n"])
def test_no_table_at_all(tmp_path, capsys, content):
    path = tmp_path / "m.csv"
    if content is not None:
        path.write_bytes(content)
    assert main(["audit", str(path), "--json", "-"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert str(path) in err


def test_the_root_of_the_configuration_is_kept(faces):
    pictures = faces.folder / "pictures"
    pictures.mkdir()
    for split in ("train", "validation", "test"):
        (faces.folder / split).rename(pictures / split)
    assert faces.found("--data.root", str(pictures)) == {}
    assert faces.found("--no-pictures")["missing"]["count"] == len(faces.rows)

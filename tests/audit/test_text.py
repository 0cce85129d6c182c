"""The audit in words and as JSON."""


def spoil(faces):
    faces.path(0).unlink()
    faces.path(1).write_bytes(b"no picture")
    faces.path(4).write_bytes(faces.path(3).read_bytes())
    faces.rows[5]["hair"] = "[bold]curly[/bold]"
    faces.rows[6]["path"] = "[red]no.png"


def test_text_and_json_agree(faces, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")  # a long path is broken where the line ends
    spoil(faces)
    status, text, found = faces.audit()
    assert status == 1
    squeezed = " ".join(text.split())
    for finding in found.values():
        assert f"{finding['level']} {finding['count']:,}" in squeezed
        assert all(word in squeezed for word in finding["what"].split())
    levels = [f["level"] for f in faces.report["findings"]]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    counted = {level: levels.count(level) for level in ("error", "warning", "note")}
    assert counted == {level: faces.report[f"{level}s"] for level in counted}
    assert f"{counted['error']} errors, {counted['warning']} warnings, 0 notes" in text
    assert "'[bold]curly[/bold]'" in squeezed
    assert "[red]no.png" in squeezed

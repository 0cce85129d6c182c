"""What the claim on layers states about them."""

from modular_cls.lecture.kit.statement import Statement

LAST = {"mnist": 4, "faces": 5}  # hidden layers; that of faces is the mean over places
_SAID = {
    "probe_class": "linear probe of the class",
    "purity": "purity",
    "fisher": "Fisher ratio",
    "apart": "apart",
}


def _statements() -> tuple[Statement, ...]:
    found = []
    for name, last in LAST.items():
        top, first = {"layer": last, "trained": "yes"}, {"layer": 0, "trained": "yes"}
        for column, said in _SAID.items():
            for less, than in (
                (first, "in the input"),
                ({"layer": last, "trained": "no"}, "in that of the same net untrained"),
            ):
                says = f"{name}: {said} is higher in the last hidden layer than {than}"
                found.append(Statement(says, "layers", column, top, less, at={"set": name}))
        says = (
            f"{name}: the pictures that excite a unit most are more of one class in the "
            "last layer than in the first"
        )
        found.append(
            Statement(
                says, "layers", "units", top, {"layer": 1, "trained": "yes"}, at={"set": name}
            )
        )
    says = "mnist: 4 and 9 are better separated in the last hidden layer than in the input"
    at: dict[str, object] = {"set": "mnist", "trained": "yes"}
    found.append(
        Statement(says, "layers", "fisher_4_9", {"layer": LAST["mnist"]}, {"layer": 0}, at=at)
    )
    for attribute in ("hair", "gender"):
        for low, high in ((0, 2), (2, LAST["faces"])):
            says = f"faces: the probe of {attribute} rises from layer {low} to layer {high}"
            at = {"set": "faces", "trained": "yes"}
            found.append(
                Statement(
                    says, "layers", f"probe_{attribute}", {"layer": high}, {"layer": low}, at=at
                )
            )
    return tuple(found)


STATEMENTS = _statements()

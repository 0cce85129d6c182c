"""What the claim on layers states about them."""

from modular_cls.lecture.kit.statement import Role, Statement, Where

LAST = {"mnist": 4, "faces": 5}  # hidden layers; that of faces is the mean over places
_ON = {"mnist": "handwritten digits", "faces": "drawn faces"}
_SAID = {
    "probe_class": "linear probe of the class",
    "purity": "purity",
    "fisher": "Fisher ratio",
    "apart": "apart",
}


def _statements() -> tuple[Statement, ...]:
    statements = []
    for name, last in LAST.items():
        on = _ON[name]
        top, first = {"layer": last, "trained": "yes"}, {"layer": 0, "trained": "yes"}
        for column, said in _SAID.items():
            for role, less, than in _compared(first, last):
                says = f"{name}: {said} is higher in the last hidden layer than {than}"
                at: dict[str, object] = {"set": name}
                statements.append(
                    Statement(says, "layers", column, top, less, at=at, role=role, on=on)
                )
        says = (
            f"{name}: the pictures that excite a unit most are more of one class in the last layer "
            "than in the first"
        )
        statements.append(
            Statement(
                says,
                "layers",
                "units",
                top,
                {"layer": 1, "trained": "yes"},
                at={"set": name},
                role="core",
                on=on,
            )
        )
    says = "mnist: 4 and 9 are better separated in the last hidden layer than in the input"
    statements.append(
        Statement(
            says,
            "layers",
            "fisher_4_9",
            {"layer": LAST["mnist"]},
            {"layer": 0},
            at={"set": "mnist", "trained": "yes"},
            role="core",
            on=_ON["mnist"],
        )
    )
    for attribute in ("hair", "gender"):
        for low, high in ((0, 2), (2, LAST["faces"])):
            says = f"faces: the probe of {attribute} rises from layer {low} to layer {high}"
            statements.append(
                Statement(
                    says,
                    "layers",
                    f"probe_{attribute}",
                    {"layer": high},
                    {"layer": low},
                    at={"set": "faces", "trained": "yes"},
                    role="core",
                    on=_ON["faces"],
                )
            )
    return tuple(statements)


def _compared(first: Where, last: int) -> tuple[tuple[Role, Where, str], ...]:
    """What the last hidden layer is compared with: the claim says the input."""
    untrained = {"layer": last, "trained": "no"}
    return (
        ("core", first, "in the input"),
        ("control", untrained, "in that of the same net untrained"),
    )


STATEMENTS = _statements()

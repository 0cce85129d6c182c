"""`modular-cls doctor`."""

from modular_cls.arguments import Parser
from modular_cls.errors import ModularClsError


def doctor(prog: str, arguments: list[str]) -> None:
    """What this machine has, and what is missing for what."""
    parser = Parser(
        prog=prog,
        description=f"{doctor.__doc__} Exit status 1 if something that is always needed is wrong.",
    )
    parser.parse_args(arguments)
    from modular_cls.doctor.examine import examine

    wrong = []
    for finding in examine():
        print(f"{finding.topic:10} " + f"\n{'':11}".join(finding.lines))
        wrong += [finding.topic] if finding.wrong else []
    if wrong:
        raise ModularClsError(f"wrong, and always needed: {', '.join(wrong)} (see above)")

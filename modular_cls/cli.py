"""The command line: `modular-cls VERB`. Each verb imports only what it needs, so help is instant.

A verb is a function in its package, `NAME(prog, arguments)`; its docstring is the line of help.
"""

import os
import sys

# Threads that spin while they wait make busy cores many times slower, threads that sleep at once an
# idle machine up to three times; some microseconds of spinning do neither. Torch's import reads it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

from modular_cls import __version__
from modular_cls.audit.command import audit
from modular_cls.data.faces.command import faces
from modular_cls.demo.command import demo
from modular_cls.doctor.command import doctor
from modular_cls.errors import ModularClsError, nearest
from modular_cls.export.command import export
from modular_cls.extend.command import extend
from modular_cls.jobs.signals import Interrupted, end_helpers, interruptible
from modular_cls.lecture.command import lecture
from modular_cls.predict.command import predict
from modular_cls.report.command import report
from modular_cls.study.command import study
from modular_cls.training.command import evaluate, train

_IN_ORDER = (
    faces,
    audit,
    train,
    evaluate,
    predict,
    extend,
    export,
    demo,
    study,
    lecture,
    report,
    doctor,
)
VERBS = {verb.__name__: verb for verb in _IN_ORDER}


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status.

    0 done, 1 stopped by an error, 2 not understood, 128 + n stopped by signal n.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    verb, *rest = arguments or ["--help"]
    if verb in ("-h", "--help"):
        print("usage: modular-cls VERB ... (modular-cls VERB --help tells more)\n")
        print(
            "\n".join(f"  {name:10} {v.__doc__}" for name, v in VERBS.items()) + "\n\n  --version"
        )
        return 0
    if verb == "--version":
        print(__version__)
        return 0
    if verb not in VERBS:
        known = f"verbs: {', '.join(VERBS)}{nearest(verb, VERBS)}"
        print(f"error: unknown verb {verb!r}; {known}", file=sys.stderr)
        return 2
    try:
        with interruptible():
            VERBS[verb](f"modular-cls {verb}", rest)
    except (ModularClsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Interrupted as stop:
        end_helpers()
        kept = stop.advice or "what was finished before is kept, nothing is half written"
        print(f"interrupted by {stop.name}: {kept}", file=sys.stderr)
        return 128 + stop.signum
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command `replicate` on a terminal: its options, its progress, what it prints.

It is handed the path as a function, so that `retrostats.replicate` can run itself with it and
`retrostats.app.cli` can offer the same command.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from retrostats.common.defaults import DRAWS, FORMATS, SEED, TABLES
from retrostats.common.errors import RetrostatsError
from retrostats.common.exit_codes import Parser, ended

WHAT = "Replicate the cited studies: verdicts, figures and a report."


def main(replicate: Callable[..., Any], argv: Sequence[str] | None = None) -> int:
    """`python -m retrostats.replicate`: exit codes as in `retrostats.app.cli`."""
    parser = Parser(prog="retrostats replicate", description=WHAT)
    add_options(parser)
    parser.set_defaults(run=lambda arguments: run_replicate(replicate, arguments))
    return run(parser, argv)


def run(parser: Parser, argv: Sequence[str] | None) -> int:
    """Run one command; bad input gives one message on standard error and exit code 2."""
    arguments = parser.parse_args(argv)
    return ended(lambda: int(arguments.run(arguments)))


def add_options(parser: Any) -> None:
    """The options of the command."""
    add = parser.add_argument
    add("analysis", nargs="*", metavar="ANALYSIS", help="of --list, or a Python file (all)")
    add("--audit", metavar="AUDIT", help="another audit: NAME.toml or a folder")
    add("--cohort", action="append", default=[], metavar="PATH", help="own data; repeatable")
    add("--out", metavar="DIR", help="folder for the results (results/)")
    add("--seed", type=int, default=SEED, metavar="N", help=f"of the draws ({SEED})")
    add("--draws", type=int, default=DRAWS, metavar="N", help=f"inside the rounding ({DRAWS})")
    add("--jobs", type=int, default=1, metavar="N", help="threads (1)")
    add("--scheduler", metavar="ADDRESS", help="Dask scheduler that does the draws instead")
    add("--formats", default=",".join(FORMATS), metavar="LIST", help="of the figures (svg,pdf,png)")
    add(
        "--tables",
        default=",".join(TABLES),
        metavar="LIST",
        help="of the tables (csv,html,tex,md,docx)",
    )
    add(
        "--themes",
        default="",
        metavar="LIST",
        help="further versions of the figures (85mm,dark,slide)",
    )
    add(
        "--claim-figures", default="core", metavar="WHICH", help="of the core claims, or all (core)"
    )
    add("--list", action="store_true", help="list the analyses and stop")
    add("--check", action="store_true", help="compare with the pinned answers, write nothing")
    add("--fresh", action="store_true", help="compute results anew of which nothing changed")


def run_replicate(replicate: Callable[..., Any], arguments: Any) -> int:
    """Run `retrostats.app.path.replicate` as the options say; the exit code."""
    from retrostats.audit.analysis import question_of
    from retrostats.audit.audit import load_audit

    audit = load_audit(arguments.audit)
    if arguments.list:  # of a stranger's folder, perhaps: nothing of it is run
        for name, path in audit.analyses.items():
            made = audit.generated.get(name)
            print(f"{name:18} {made.question if made else question_of(path)}")
        return 0
    if arguments.check and (arguments.cohort or arguments.out):
        raise RetrostatsError(
            "--check compares the published numbers alone; leave out --cohort and --out"
        )
    if arguments.audit and audit.page is None:
        print(f"Runs the Python in {audit.scripts}; a page runs none.", file=sys.stderr)
    start, out = time.perf_counter(), Path(arguments.out or "results")
    options = _options(arguments)
    noted = None if arguments.check else _noted(audit, arguments)
    if noted is not None and not arguments.fresh:
        from retrostats.app.unchanged import kept

        run = kept(noted, out, audit)
        if run is not None:
            print("Nothing changed: results are kept (--fresh computes anew)", file=sys.stderr)
            _tell(run, out, start)
            return 0
    with _progress() as progress:
        replication = replicate(
            arguments.analysis or None,
            audit=audit,
            cohorts=arguments.cohort,
            out=None if arguments.check else out,
            jobs=arguments.jobs,
            scheduler=arguments.scheduler,
            progress=progress,
            **options,
        )
    if arguments.check:
        return _compare_with_reference(replication)
    if noted is not None and noted == _noted(audit, arguments):  # nothing changed meanwhile
        from retrostats.app.unchanged import note

        note(noted, out, replication)
    from retrostats.report.page.console import print_cohorts, print_reading, print_user_cohorts

    def cohorts() -> None:
        print_reading(replication.provenance["cohorts"])
        print_cohorts(replication.cohorts, replication.verdicts)
        shares = replication.cohort_shares
        print_user_cohorts(replication.user_results, shares, replication.verdicts)

    _tell(replication, out, start, cohorts)
    return 0


def _options(arguments: Any) -> dict[str, Any]:
    """What the results depend on, beside the inputs."""
    return {
        "seed": arguments.seed,
        "draws": arguments.draws,
        "formats": tuple(arguments.formats.split(",")),
        "tables": tuple(arguments.tables.split(",")),
        "themes": tuple(filter(None, arguments.themes.split(","))),
        "claim_figures": arguments.claim_figures,
    }


def _noted(audit: Any, arguments: Any) -> str | None:
    """The key of results that may be kept; None where it is not known what they depend on."""
    from retrostats.app.unchanged import key_of

    foreign = arguments.audit is not None and audit.page is None
    own = set(arguments.analysis) - set(audit.analyses)
    if foreign or own or arguments.cohort or arguments.scheduler:
        return None
    return key_of(audit, {**_options(arguments), "analyses": arguments.analysis})


def _tell(run: Any, out: Path, start: float, cohorts: Callable[[], None] = lambda: None) -> None:
    """Verdicts, answers and the place of the report on a terminal, the reader's cohorts between."""
    from retrostats.report.page.console import print_answers, print_place, print_verdicts

    print_verdicts(run.verdicts)
    cohorts()
    print_answers(run)
    print_place(out, time.perf_counter() - start)


def _compare_with_reference(replication: Any) -> int:
    from retrostats.app.reference_results import differences

    found = differences(replication)
    for line in found:
        print(line)
    print("differs from the pinned answers" if found else "equals the pinned answers")
    return 1 if found else 0


def _progress() -> Any:
    """A spinner on a terminal; plain lines to standard error elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(lambda line: print(f"{line} ...", file=sys.stderr))
    return _Spinner()


class _Spinner:
    """`rich` status line that names the step at hand."""

    def __enter__(self) -> Callable[[str], None]:
        from rich.console import Console

        self._status = Console(stderr=True).status("Starting")
        self._status.start()
        return lambda line: self._status.update(line)

    def __exit__(self, *_: object) -> None:
        self._status.stop()

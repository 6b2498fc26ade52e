"""Command line: `retrostats replicate | validate | template | plan | new-audit | check-audit |
completion`.

`python -m retrostats.replicate` is the first of them. Exit codes: 0 done, 1 `--check` found a
difference from the pinned answers, 2 bad input or usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from retrostats import __version__
from retrostats.app.completion import SHELLS, completion
from retrostats.app.terminal import WHAT, add_options, run, run_replicate
from retrostats.common.defaults import SEED, refuse_versions
from retrostats.common.errors import RetrostatsError, plain
from retrostats.common.exit_codes import Parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; bad input gives one message on standard error and exit code 2.

    Without a command it says what there is.
    """
    parser = _parser()
    if not (sys.argv[1:] if argv is None else argv):
        parser.print_help()
        return 0
    return run(parser, argv)


def _parser() -> Parser:
    parser = Parser(
        prog="retrostats",
        description="Check popular claims against what the cited studies printed.",
        epilog="Start with: retrostats replicate. Options: retrostats COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"retrostats {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_options(_command(commands, "replicate", _replicate, WHAT))
    _add_validate(commands)
    _add_template(commands)
    _add_plan(commands)
    _add_new_audit(commands)
    _add_check_audit(commands)
    _add_completion(commands)
    return parser


def _command(commands: Any, name: str, run: Callable[[Any], int], text: str) -> Any:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _add_validate(commands: Any) -> None:
    parser = _command(commands, "validate", _validate, "Check a cohort file; exit 0 or 2.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--spec", metavar="TOML", help="what the file's columns mean")
    parser.add_argument("--audit", metavar="AUDIT", help="whose topics: NAME.toml or a folder")
    asks = "ask each open question here, and write the spec beside the file"
    parser.add_argument("--ask", action="store_true", help=asks)


def _add_template(commands: Any) -> None:
    parser = _command(commands, "template", _template, "Print a CSV to fill in.")
    parser.add_argument("analysis", metavar="ANALYSIS")
    parser.add_argument("--spec", action="store_true", help="print a commented spec instead")
    parser.add_argument("--audit", metavar="AUDIT", help="whose topic it is: NAME.toml or a folder")


def _add_plan(commands: Any) -> None:
    text = "The study that would settle a claim."
    parser = _command(commands, "plan", _plan, text)
    add = parser.add_argument
    add("claim", metavar="CLAIM", help="its id in the audit")
    add("--audit", metavar="AUDIT", help="another audit: NAME.toml or a folder")
    add("--truth", type=float, metavar="X", help="effect taken as true (middle of what is claimed)")
    add("--spread", metavar="LOW[,HIGH]", help="SD of one person's contribution (the evidence's)")
    add("--design", metavar="NAME", help="paired, two-arm or counts (by the claim)")
    add("--rate", metavar="LOW[,HIGH]", help="counts: events per 1000 units of exposure")
    add("--exposure", type=float, metavar="X", help="counts: units a person and condition")
    add("--n", metavar="LIST", help="numbers of people (up to 1.8 times what is needed)")
    add("--all", action="store_true", help="print every table")
    add("--power", type=float, default=0.9, metavar="X", help="that is wanted (0.9)")
    add("--figure", metavar="FILE", help="write the figure (.svg, .pdf or .png)")
    add("--formats", default="", metavar="LIST", help="further formats of it (svg,pdf,png)")
    add("--themes", default="", metavar="LIST", help="further versions of it (85mm,dark,slide)")
    add("--seed", type=int, default=SEED, metavar="N", help=f"({SEED})")
    add("--jobs", type=int, default=1, metavar="N", help="threads (1)")
    add("--scheduler", metavar="ADDRESS", help="Dask scheduler that draws the studies instead")


def _add_new_audit(commands: Any) -> None:
    text = "Make an audit to fill in: a page and a table."
    parser = _command(commands, "new-audit", _new_audit, text)
    parser.add_argument("name", metavar="NAME", help="of the page NAME.toml and the table NAME.csv")
    folder = "make a folder NAME with tables and Python instead, for what a table cannot say"
    parser.add_argument("--folder", action="store_true", help=folder)


def _add_check_audit(commands: Any) -> None:
    text = "Say what each row of a page became; exit 0 or 2."
    parser = _command(commands, "check-audit", _check_audit, text)
    parser.add_argument("page", metavar="NAME.toml", help="a page, its table beside it")


def _add_completion(commands: Any) -> None:
    text = "Print what completes commands in a shell."
    parser = _command(commands, "completion", _completion, text)
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def _completion(arguments: Any) -> int:
    from retrostats.audit.audit import load_audit

    audit = load_audit()
    words = {"analyses": list(audit.analyses), "claims": list(audit.claims)}
    print(completion(arguments.shell, _parser(), words), end="")
    return 0


def _replicate(arguments: Any) -> int:
    from retrostats.app.path import replicate

    return run_replicate(replicate, arguments)


def _validate(arguments: Any) -> int:
    from retrostats.app.path import used_cohort
    from retrostats.io.validation.usable import account_of, validated

    if arguments.ask:
        from retrostats.io.validation.questions import ask

        _, written = ask(arguments.file, arguments.audit)
        if written is not None:
            print(f"{written}: written")
    code, text, cohort = validated(arguments.file, arguments.spec, arguments.audit)
    if cohort is not None:
        try:
            text = account_of(arguments.file, used_cohort(cohort, arguments.audit))
        except RetrostatsError as error:
            code, text = 2, f"{arguments.file}: {error}"
    print(plain(text), file=sys.stderr if code else sys.stdout)
    return code


def _template(arguments: Any) -> int:
    from retrostats.io.validation.templates import template, template_spec

    write = template_spec if arguments.spec else template
    print(write(arguments.analysis, arguments.audit), end="")
    return 0


def _plan(arguments: Any) -> int:
    from retrostats.planning.plan import plan

    formats, themes = _words(arguments.formats), _words(arguments.themes)
    if arguments.figure:  # before what takes seconds
        refuse_versions(arguments.figure, formats, themes)
    made = plan(
        arguments.claim,
        audit=arguments.audit,
        truth=arguments.truth,
        spread=_ends("spread", arguments.spread),
        design=arguments.design,
        rate=_ends("rate", arguments.rate),
        exposure=arguments.exposure,
        people=None if arguments.n is None else [int(n) for n in _numbers("n", arguments.n, int)],
        power=arguments.power,
        seed=arguments.seed,
        jobs=arguments.jobs,
        scheduler=arguments.scheduler,
    )
    if arguments.figure:
        made.save(arguments.figure, formats, themes)
    print(made.summary() if arguments.all else made.brief())
    return 0


def _words(text: str) -> list[str]:
    """Names between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _ends(name: str, text: str | None) -> tuple[float, float] | None:
    """One number, or the two ends of a range."""
    if text is None:
        return None
    found = _numbers(name, text, float)
    if len(found) > 2:
        raise RetrostatsError(f"--{name} {text}: give one number, or two for a range, as 0.1,0.2")
    return found[0], found[-1]


def _numbers(name: str, text: str, kind: Callable[[str], float]) -> list[float]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise RetrostatsError(f"--{name} {text}: give {what} with commas between them") from None


def _new_audit(arguments: Any) -> int:
    if arguments.folder:
        from retrostats.app.new_audit import new_audit, what_to_fill_in

        print(what_to_fill_in(new_audit(arguments.name)))
        return 0
    from retrostats.app.new_page import new_page, page_steps

    print(page_steps(*new_page(arguments.name)))
    return 0


def _check_audit(arguments: Any) -> int:
    from retrostats.audit.pages.account import account_of_page

    print(plain(account_of_page(arguments.page)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a shell completes after `retrostats`: commands, their options, analyses, claims and files.

Written from the parser itself, so nothing is listed twice. A shell reads it once:
`eval "$(retrostats completion bash)"`, the same with zsh, `retrostats completion fish | source`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from retrostats.common.exit_codes import commands_of, options_of

SHELLS = ("bash", "zsh", "fish")
#: What stands first after a command: analyses, claims or shells; files where nothing is named.
FIRST = {"replicate": "analyses", "template": "analyses", "plan": "claims", "completion": "shells"}


def completion(shell: str, parser: argparse.ArgumentParser, words: Mapping[str, list[str]]) -> str:
    """The script of one shell.

    Parameters
    ----------
    shell
        bash, zsh or fish.
    parser
        Of the whole command line.
    words
        Names by what they are of: analyses, claims.

    Examples
    --------
    >>> from retrostats.common.exit_codes import Parser
    >>> parser = Parser(prog="retrostats")
    >>> _ = parser.add_subparsers().add_parser("plan").add_argument("--truth")
    >>> "complete -F _retrostats retrostats" in completion("bash", parser, {"claims": ["a_claim"]})
    True
    """
    known = {**words, "shells": list(SHELLS)}
    found = {
        name: [*known.get(FIRST.get(name, ""), []), *options_of(command)]
        for name, command in commands_of(parser).items()
    }
    if shell == "fish":
        return _fish(found, {name: _help(parser, name) for name in found})
    script = _bash(found)
    return f"autoload -U +X bashcompinit && bashcompinit\n{script}" if shell == "zsh" else script


def _help(parser: argparse.ArgumentParser, name: str) -> str:
    return (commands_of(parser)[name].description or "").split(";")[0].rstrip(".")


def _bash(found: Mapping[str, Sequence[str]]) -> str:
    cases = [f'    {name}) words="{" ".join(words)}" ;;' for name, words in found.items()]
    return "\n".join(
        [
            "_retrostats() {",
            '  local words="" here="${COMP_WORDS[COMP_CWORD]}"',
            '  [ "$COMP_CWORD" -gt 1 ] && case "${COMP_WORDS[1]}" in',
            *cases,
            "  esac",
            f'  [ "$COMP_CWORD" -eq 1 ] && words="{" ".join(found)} --help --version"',
            '  COMPREPLY=($(compgen -W "$words" -- "$here"))',
            '  [ "$COMP_CWORD" -gt 1 ] && [ ${#COMPREPLY[@]} -eq 0 ] && '
            'COMPREPLY=($(compgen -f -- "$here"))',
            "}",
            "complete -F _retrostats retrostats",
            "",
        ]
    )


def _fish(found: Mapping[str, Sequence[str]], helps: Mapping[str, str]) -> str:
    lines = []
    for name, words in found.items():
        first = "complete -c retrostats -n __fish_use_subcommand -f"
        lines.append(f"{first} -a {name} -d '{helps[name]}'")
        seen = f"complete -c retrostats -n '__fish_seen_subcommand_from {name}'"
        named = [word for word in words if not word.startswith("--")]
        if named:
            lines.append(f"{seen} -f -a '{' '.join(named)}'")
        lines += [f"{seen} -l {word[2:]}" for word in words if word.startswith("--")]
    return "\n".join([*lines, ""])

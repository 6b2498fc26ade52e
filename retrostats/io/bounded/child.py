"""The child: reads a question, parses the file it holds, answers; until its parent closes."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

from retrostats.common.errors import RetrostatsError
from retrostats.io.bounded.guard import guarded
from retrostats.io.bounded.limits import bound, leave_network, no_core_files
from retrostats.io.bounded.parsers import IN_PARTS, parser
from retrostats.io.bounded.sealed_memory import aligned, close, taken, write
from retrostats.io.bounded.wire import MORE, PART, More, encode

LENGTH = struct.Struct(">Q")
Bytes: TypeAlias = bytes | memoryview


def serve() -> None:
    """Answer questions on standard input until it ends.

    A question is a parser's name, the file's name, one option and the file's bytes, each behind its
    length; an answer is a mark ("ok", "no" for a message, "memory") and a value. What is handed
    over as bytes comes before it in any number of parts, each with the mark "part", or "more" where
    it continues the one before: no more than one of them has to be held, and what goes wrong after
    the first is still said. Parts stand in the memory that the parent gave for them, where it gave
    any, and only their lengths here.
    """
    no_core_files()
    leave_network()
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while True:
        name = _part(source)
        if name is None:
            return
        file, option, data = (_part(source) or b"" for _ in range(3))
        question = name.decode(), file.decode("utf-8", "replace"), option.decode(), data
        del data
        memory = taken() if question[0] in IN_PARTS else None
        for mark, value in _placed(_answers(*question), memory):
            answers.write(mark.ljust(8).encode() + LENGTH.pack(len(value)))
            if memory is None or mark not in (PART, MORE):
                answers.write(value)
        close(memory)
        answers.flush()


def _placed(
    answers: Iterator[tuple[str, Bytes]], memory: int | None
) -> Iterator[tuple[str, Bytes]]:
    """The answers, their parts put into the memory, if there is one."""
    offset = 0
    for mark, value in answers:
        if memory is not None and mark in (PART, MORE):
            offset = aligned(offset) if mark == PART else offset
            try:
                write(memory, memoryview(value), offset)
            except OSError:  # it is as large as an answer may be
                yield "memory", b""
                return
            offset += len(value)
        yield mark, value


def _part(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(head)[0])


def _answers(name: str, file: str, option: str, data: bytes) -> Iterator[tuple[str, Bytes]]:
    try:
        read = parser(name)  # imports stand outside the limits
        bound(len(data))
        with guarded():
            found = read(file, data, option)
            if isinstance(found, Iterator):
                for part in found:
                    yield (MORE, part.data) if isinstance(part, More) else (PART, part)
                found = None
            answer = "ok", encode(found)
    except MemoryError:
        answer = "memory", b""
    except RetrostatsError as error:
        answer = "no", str(error).encode("utf-8", "replace")
    except RecursionError:
        answer = "deep", b""
    yield answer

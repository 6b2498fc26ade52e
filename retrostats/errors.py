"""What goes wrong, said once and for the reader: every message names the next step."""

from __future__ import annotations


class RetrostatsError(ValueError):
    """Anything retrostats refuses; the command line prints it as one message and exits with 2."""


class InputError(RetrostatsError):
    """Bad input: the message says where, what was found, what is allowed and what to do next."""


class NotIdentified(RetrostatsError):
    """The numbers at hand do not determine the model; the message names the missing quantity."""


class NotConverged(RetrostatsError):
    """An optimiser stopped without a stationary point; the message gives the gradient it left."""

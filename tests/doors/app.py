"""What tests use of the room `app` that is not public."""

from __future__ import annotations

from retrostats.app import path as path
from retrostats.app import reference_results as reference_results
from retrostats.app import unchanged as unchanged
from retrostats.app.cli import _parser as _parser
from retrostats.app.cli import main as main
from retrostats.app.completion import SHELLS as SHELLS
from retrostats.app.completion import completion as completion
from retrostats.app.new_audit import INVENTED as INVENTED
from retrostats.app.new_audit import STEPS as STEPS
from retrostats.app.new_audit import new_audit as new_audit
from retrostats.app.path import evidence_by_claim as evidence_by_claim
from retrostats.app.reference_results import pin as pin

"""What tests use of the room `planning` that is not public."""

from __future__ import annotations

from retrostats.planning import assumed as assumed
from retrostats.planning import today as today
from retrostats.planning.added import answers_with as answers_with
from retrostats.planning.added import drawn_answers as drawn_answers
from retrostats.planning.added import pool_needed as pool_needed
from retrostats.planning.assumed import assume as assume
from retrostats.planning.deciding import deciding as deciding
from retrostats.planning.designs import Counted as Counted
from retrostats.planning.designs import Measured as Measured
from retrostats.planning.power import right_label as right_label
from retrostats.planning.sentence import kept_open_by as kept_open_by
from retrostats.planning.sentence import sentence as sentence
from retrostats.planning.today import POOLED_MOST as POOLED_MOST
from retrostats.planning.today import ends_of as ends_of
from retrostats.planning.today import today_of as today_of

"""What tests use of the room `io` that is not public."""

from __future__ import annotations

from retrostats.io import carts as carts
from retrostats.io.bounded import parent as parent
from retrostats.io.bounded.parsers import classes as classes
from retrostats.io.bounded.wire import decode as decode
from retrostats.io.bounded.wire import encode as encode
from retrostats.io.carts import devices as devices
from retrostats.io.carts.source import parse as parse
from retrostats.io.carts.steady import window_mean as window_mean
from retrostats.io.cohort import values as values
from retrostats.io.cohort.headers import kind_of as kind_of
from retrostats.io.cohort.headers import read_header as read_header
from retrostats.io.cohort.periods import _place as _place
from retrostats.io.cohort.spec import read_spec as read_spec
from retrostats.io.cohort.times import ordered_times as ordered_times
from retrostats.io.energy import EQUATIONS as EQUATIONS
from retrostats.io.energy import outside_validity as outside_validity
from retrostats.io.published.findings_toml import read_findings_toml as read_findings_toml
from retrostats.io.published.printed_rows import counts_people as counts_people
from retrostats.io.published.published import KEPT_AS_PRINTED as KEPT_AS_PRINTED
from retrostats.io.published.published import load_claims_table as load_claims_table
from retrostats.io.published.published import load_retellings as load_retellings
from retrostats.io.published.published import load_studies as load_studies
from retrostats.io.published.published import load_table as load_table
from retrostats.io.published.published import topics_of as topics_of
from retrostats.io.tables import arrow_text as arrow_text
from retrostats.io.tables import cells as cells
from retrostats.io.tables import delimited as delimited
from retrostats.io.tables import distinct as distinct
from retrostats.io.tables import workbook as workbook
from retrostats.io.tables.grid import Row as Row
from retrostats.io.tables.grid import Sheet as Sheet
from retrostats.io.tables.packages import _refuse_wide_texts as _refuse_wide_texts
from retrostats.io.tables.recordings import parse_fit as parse_fit
from retrostats.io.tables.spreadsheetml import parse_spreadsheetml as parse_spreadsheetml
from retrostats.io.tables.workbook import read_workbook as read_workbook
from retrostats.io.validation import examples as examples
from retrostats.io.validation import people as people
from retrostats.io.validation import plausible as plausible
from retrostats.io.validation import possible as possible
from retrostats.io.validation import sums as sums
from retrostats.io.validation.questions import ask as ask
from retrostats.io.validation.questions import questions_of as questions_of
from retrostats.io.validation.reading import between_people as between_people
from retrostats.io.validation.templates import template as template
from retrostats.io.validation.templates import template_spec as template_spec
from retrostats.io.validation.templates import templates as templates
from retrostats.io.validation.understood import account_lines as account_lines
from retrostats.io.carts.base import COLUMNS as carts_base_COLUMNS  # noqa: F401
from retrostats.io.published.published import COLUMNS as published_published_COLUMNS  # noqa: F401

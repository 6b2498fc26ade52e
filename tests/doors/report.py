"""What tests use of the room `report` that is not public."""

from __future__ import annotations

from retrostats.report import figures as figures
from retrostats.report import folder as folder
from retrostats.report import press as press
from retrostats.report.claim_figures import LEAST as LEAST
from retrostats.report.claim_figures import claim_figures as claim_figures
from retrostats.report.claim_figures import describe_choices as describe_choices
from retrostats.report.claim_figures import describe_draws as describe_draws
from retrostats.report.claim_figures import describe_influence as describe_influence
from retrostats.report.exchange import abandoned as abandoned
from retrostats.report.exchange import held as held
from retrostats.report.figures import half_eyes as half_eyes
from retrostats.report.figures import influence_bars as influence_bars
from retrostats.report.figures import looks as looks
from retrostats.report.figures import specification_curve as specification_curve
from retrostats.report.figures import theme as theme
from retrostats.report.figures import verdicts as verdicts
from retrostats.report.figures.fonts import LAYOUT as LAYOUT
from retrostats.report.figures.forest import Panel as Panel
from retrostats.report.figures.forest import forest as forest
from retrostats.report.figures.half_eye import _density as _density
from retrostats.report.figures.influence import MOST as MOST
from retrostats.report.figures.influence import VISIBLE as VISIBLE
from retrostats.report.figures.looks import LOOKS as LOOKS
from retrostats.report.figures.looks import SLIDE as SLIDE
from retrostats.report.figures.looks import drawn_in as drawn_in
from retrostats.report.figures.planned import describe as describe
from retrostats.report.figures.theme import new_figure as new_figure
from retrostats.report.figures.theme import styled as styled
from retrostats.report.figures.verdicts import LOOK as LOOK
from retrostats.report.folder import MANIFEST as MANIFEST
from retrostats.report.folder import replace as replace
from retrostats.report.formula_escape import escape_formula as escape_formula
from retrostats.report.formula_escape import write_csv as write_csv
from retrostats.report.output import narrow_pictures as narrow_pictures
from retrostats.report.page import format as format
from retrostats.report.page.amounts import amount as amount
from retrostats.report.page.amounts import amount_and_span as amount_and_span
from retrostats.report.page.amounts import claimed as claimed
from retrostats.report.page.amounts import span as span
from retrostats.report.page.bands import band as band
from retrostats.report.page.bands import claimed_zone as claimed_zone
from retrostats.report.page.bands import ticks as ticks
from retrostats.report.page.cards import causes_of as causes_of
from retrostats.report.page.cards import changes as changes
from retrostats.report.page.claim_review import rating as rating
from retrostats.report.page.console import MARKS as MARKS
from retrostats.report.page.console import print_answers as print_answers
from retrostats.report.page.console import print_cohorts as print_cohorts
from retrostats.report.page.console import print_place as print_place
from retrostats.report.page.console import print_user_cohorts as print_user_cohorts
from retrostats.report.page.console import print_verdicts as print_verdicts
from retrostats.report.page.console import tally as tally
from retrostats.report.page.controls import Telling as Telling
from retrostats.report.page.explore import SIDE_WORDS as SIDE_WORDS
from retrostats.report.page.explore import SIZE_WORDS as SIZE_WORDS
from retrostats.report.page.explore import Shown as Shown
from retrostats.report.page.explore import _data as _data
from retrostats.report.page.explore import explorers_of as explorers_of
from retrostats.report.page.format import anchor as anchor
from retrostats.report.page.glossary import explained as explained
from retrostats.report.page.glossary import terms as terms
from retrostats.report.page.glossary import terms_in as terms_in
from retrostats.report.page.page import draw_answers as draw_answers
from retrostats.report.page.page import render_report as render_report
from retrostats.report.page.page import write_report as write_report
from retrostats.report.page.pictures import pictures_of as pictures_of
from retrostats.report.page.printed import printed as printed
from retrostats.report.page.prior_widths import WIDTHS as WIDTHS
from retrostats.report.page.sentences import answer as answer
from retrostats.report.page.sentences import worst_words as worst_words
from retrostats.report.page.shades import contrast as contrast
from retrostats.report.page.shades import dark as dark
from retrostats.report.page.shades import page_style as page_style
from retrostats.report.page.verdict_words import SYMBOLS as SYMBOLS
from retrostats.report.palette import in_the_dark as in_the_dark
from retrostats.report.press import made as made
from retrostats.report.tables import PaperTable as PaperTable
from retrostats.report.tables import write_tables as write_tables
from retrostats.report.user_cohort import LINES as LINES
from retrostats.report.user_cohort import _figure as _figure
from retrostats.report.user_cohort import _names as _names
from retrostats.report.user_cohort import draw_user_cohorts as draw_user_cohorts
from retrostats.report.user_cohort import people_of as people_of
from retrostats.report.figures.drawing import Drawing as figures_drawing_Drawing  # noqa: F401
from retrostats.report.figures.looks import DARK as figures_looks_DARK  # noqa: F401
from retrostats.report.figures.looks import LIGHT as figures_looks_LIGHT  # noqa: F401
from retrostats.report.palette import DARK as palette_DARK  # noqa: F401
from retrostats.report.palette import LIGHT as palette_LIGHT  # noqa: F401

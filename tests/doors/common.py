"""What tests use of the room `common` that is not public."""

from __future__ import annotations

from retrostats.common import citation as citation
from retrostats.common import second_process as second_process
from retrostats.common import workers as workers
from retrostats.common.arrays import floats_of as floats_of
from retrostats.common.arrays import records_of as records_of
from retrostats.common.arrays import unset_array as unset_array
from retrostats.common.defaults import FORMATS as FORMATS
from retrostats.common.defaults import NARROW as NARROW
from retrostats.common.defaults import TABLE_FORMATS as TABLE_FORMATS
from retrostats.common.deprecated import renamed_arguments as renamed_arguments
from retrostats.common.exit_codes import commands_of as commands_of
from retrostats.common.exit_codes import ended as ended
from retrostats.common.exit_codes import options_of as options_of
from retrostats.common.habits import FUNCTIONS as FUNCTIONS
from retrostats.common.habits import REVIEWS as REVIEWS
from retrostats.common.interrupt import quit_on_interrupt as quit_on_interrupt
from retrostats.common.lower_factor import forward as forward
from retrostats.common.lower_factor import lower_factor as lower_factor
from retrostats.common.nearest import suggestion as suggestion
from retrostats.common.resources import analyses_dir as analyses_dir
from retrostats.common.resources import data_dir as data_dir
from retrostats.common.rounding import limits as limits
from retrostats.common.rounding import with_limits as with_limits
from retrostats.common.sobol import KNOWN as KNOWN
from retrostats.common.sobol import sobol as sobol
from retrostats.common.ticks import ratio_ticks as ratio_ticks
from retrostats.common.units import _UNITS as _UNITS
from retrostats.common.units import _WORDS as _WORDS
from retrostats.common.units import convert as convert
from retrostats.common.units import parse_unit as parse_unit
from retrostats.common.vocabulary import Conditions as Conditions
from retrostats.common.vocabulary import Post as Post
from retrostats.common.workers import connected as connected
from retrostats.common.workers import in_order as in_order

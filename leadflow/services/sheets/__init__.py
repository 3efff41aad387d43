"""Google Sheets: append rows so that each lead has exactly one.

The API's append has no request id, so a call that failed may still have been applied. Every append is
therefore preceded by a look at the key column, a doubtful one is followed by a look before anything is
repeated, and rows that a late application doubled are taken out again. Appends insert rows of their own,
so what a person adds, sorts or filters meanwhile is never overwritten.
"""

from leadflow.services.sheets.cells import LONGEST_CELL, raise_for_cells
from leadflow.services.sheets.layout import LOOK_HOLDS_S
from leadflow.services.sheets.sheet import Sheet

__all__ = ["LONGEST_CELL", "LOOK_HOLDS_S", "Sheet", "raise_for_cells"]

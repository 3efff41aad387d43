"""Google Sheets: append rows so that each lead is in the sheet exactly once.

The API's append has no request id, so a call that failed may still have been applied. Therefore every append reads the
key column first. An append in doubt is followed by another read before anything is sent again, and rows that a late
append duplicated are deleted. Appends insert new rows, so cells that a person adds, sorts or filters meanwhile are
never overwritten.

Sources: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append,
https://developers.google.com/workspace/sheets/api/limits
Each class adds one job to the class before it: Connection (calls to one tab), Layout (header and keys), Cells (single
columns), Append, Deletion (rows by number), Repair (rows that must not be there), Sheet (what a job uses). The modules
import in that order, one way.
"""

from leadflow.services.sheets.cells import LONGEST_CELL, raise_for_cells
from leadflow.services.sheets.existing import ExistingSheet
from leadflow.services.sheets.layout import LOOK_HOLDS_S
from leadflow.services.sheets.sheet import Sheet

__all__ = ["LONGEST_CELL", "LOOK_HOLDS_S", "ExistingSheet", "Sheet", "raise_for_cells"]

"""Times that are NULL in Arrow answers. fakesnow makes them empty inside a struct whose parts must not be empty.

Connector 4 does not look; version 5 refuses the whole answer. Snowflake marks the struct itself as NULL.
"""

from __future__ import annotations

import fakesnow.arrow as answers
import pyarrow as pa
import pyarrow.compute as pc


def patch_null_times() -> None:
    """Apply the patch once in a process."""
    struct_of = answers.timestamp_to_sf_struct

    def with_nulls(times: pa.Array | pa.ChunkedArray) -> pa.Array:
        whole = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
        if not whole.null_count:
            return struct_of(whole)
        filled = struct_of(pc.fill_null(whole, pa.scalar(0, pa.int64()).cast(whole.type)))
        return pa.StructArray.from_arrays(filled.flatten(), fields=list(filled.type), mask=whole.is_null())

    answers.timestamp_to_sf_struct = with_nulls

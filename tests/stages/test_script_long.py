"""One long script as analysts write them, from a file, by estimate and by run: nothing in it is refused or changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from outcome import observe

import leadflow as lf

LONG = r"""
/* June leads -- "hot & new"; Ann's list (don't share!)  {{ no template }} */
-- TODO: what about ${env} and &schema?
USE SCHEMA PUBLIC;
ALTER SESSION SET TIMEZONE = 'America/New_York', WEEK_START = 1;
SET (st1, st2) = ('LA', 'NH');          -- states
SET cnt = (SELECT COUNT(*) FROM RAW_LEADS);

CREATE OR REPLACE TEMPORARY TABLE stage_leads AS
SELECT r.*, '{"src": {"channel": "web?utm=a&b=c", "pct": "50%"}}' AS raw_json, 'AT&T' AS employer
FROM RAW_LEADS r
WHERE r."State" IN ($st1, $st2) AND $cnt > 0;

ALTER TABLE stage_leads ADD COLUMN score INT;
UPDATE stage_leads SET score = CASE WHEN "City" LIKE '%o%' THEN 10 ELSE 5 END;
DELETE FROM stage_leads WHERE TRIM("Last Name") = '' OR "Address" IS NULL;

CREATE OR REPLACE TEMP VIEW ranked AS
WITH base AS (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY "First Name", "Zip" ORDER BY score DESC NULLS LAST) AS rn
    FROM stage_leads s
)
SELECT * EXCLUDE (rn) FROM base
QUALIFY ROW_NUMBER() OVER (PARTITION BY "First Name", "Last Name", "Address" ORDER BY "Zip") = 1;

SHOW TABLES LIKE 'STAGE%';
DESCRIBE TABLE stage_leads;

WITH j AS (
    SELECT k.*, PARSE_JSON(k.raw_json):src.channel::string AS channel,
           REGEXP_REPLACE(k."Zip", '[^0-9]', '') AS zip_clean
    FROM ranked k
), agg AS (
    SELECT "State" AS st, LISTAGG(DISTINCT "City", ' & ') WITHIN GROUP (ORDER BY "City") AS cities
    FROM j GROUP BY "State" HAVING COUNT(*) > 1
)
SELECT j."First Name", j."Last Name", j."Address", j."City", j."State", j.zip_clean AS "Zip", -- the Zip
       j.channel, j.employer, IFF(j.score > 5, 'hot?', 'cold%') AS "Heat"
FROM j
LEFT JOIN agg ON agg.st = j."State"
WHERE j.channel RLIKE '.*[?&].*' AND j.employer <> 'x?y'
  AND NOT EXISTS (SELECT 1 FROM RAW_LEADS x WHERE x."Last Name" = 'Nobody''s $t')
ORDER BY 1, 2
LIMIT 40
;
-- the end; {{ x }}
"""


@pytest.mark.parametrize("given_as", [Path, str, '"{}"'.format])
def test_a_long_script_runs_as_it_is_written(world, tmp_path, given_as):
    file = tmp_path / "my scripts" / "June & July.SQL"
    file.parent.mkdir()
    file.write_bytes(LONG.replace("\n", "\r\n").encode("utf-16"))
    with lf.Engine(world.settings) as engine:
        script = given_as(str(file))
        expected = engine.estimate(script, limit_rows=12)
        job = engine.run(script, limit_rows=12, progress=False)
        assert (job.name, job.counts.extracted, job.counts.bought) == ("June & July", 40, 12)
        assert (expected.extracted, expected.lookups) == (40, 12)
        assert observe(world, engine, job.id).clean

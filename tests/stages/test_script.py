"""What of a script is sent, and which statements are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.errors import ScriptError
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract
from leadflow.stages.script import parse_script, without_constants, without_literals

# What a rewriting parser may change, and what must go up byte for byte.
_AS_WRITTEN = [
    "SELECT a FROM t WHERE opted_out IS NOT TRUE",
    "SELECT a FROM t WHERE NOT (opted_out IS DISTINCT FROM FALSE) AND b IS NOT FALSE",
    "SELECT (SELECT MAX(f.value:tag::string) FROM TABLE(FLATTEN(INPUT => l.tags)) f) AS tag FROM t l",
    "SELECT 2 * MOD(id, 5), id % 3 * 2 FROM t",
    'SELECT src:a.b[0]:"C d"::string, $1:x, $2, METADATA$FILENAME FROM @stage/f.json (FILE_FORMAT => ff)',
    "SELECT * FROM t WHERE a ILIKE ANY ('x%', '%s') AND b RLIKE 'a\\\\d{2}$'",
    "SELECT *, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b NULLS LAST) AS n FROM t QUALIFY n = 1",
    "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY a ORDER BY b MEASURES FIRST(b) AS f "
    "PATTERN (x{2} y+) DEFINE x AS b > 1)",
    "SELECT * EXCLUDE (a) RENAME (b AS c), t.* REPLACE (UPPER(d) AS d) FROM t AT (OFFSET => -60*5)",
    "SELECT 'it\\'s', 'a''b', $$it's; -- no comment$$, x'0aFF', '\\n;' FROM t",
    "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n+1 FROM c WHERE n<9) SELECT TOP 5 n::NUMBER(38,0) FROM c",
    "SELECT DATEADD('day', -30, CURRENT_DATE), DATE_TRUNC(month, d), TRY_TO_NUMBER(z) FROM t ORDER BY 1 DESC",
    "SELECT {'a': {'b': 1}}, [1, 2], OBJECT_CONSTRUCT(*), a:b::variant "
    "FROM t, LATERAL FLATTEN(input => t.c, outer => true) x",
    "SELECT t.into, \"INTO\", INSERT('abc', 1, 2, 'Z'), a!=b, a<>b, NVL2(a,b,c) FROM t",
    "SELECT DISTINCT a FROM t ASOF JOIN u MATCH_CONDITION (t.x >= u.x) ON t.k = u.k",
    "(SELECT a FROM t) MINUS (SELECT a FROM u)",
]


@pytest.mark.parametrize("query", _AS_WRITTEN)
def test_a_query_is_sent_byte_for_byte(query):
    parsed = parse_script(f"-- Ann Lee's list\nSET d = 'x;y'; // Bob\n{query} /* tail */ ; -- end")
    assert parsed.select == query
    assert parsed.setup == ("SET d = 'x;y'",)


_fragments = st.sampled_from(
    [
        "SELECT",
        "a",
        "'x;--y'",
        "'it''s'",
        "'b\\'c'",
        "$$ d'; /* $$",
        '"q "" ;"',
        "1.5",
        "||",
        "(",
        ")",
        "FROM",
        "t",
        ",",
        "::",
        "%",
        "->",
        "=>",
    ]
)


_gaps = st.sampled_from([" ", "\n", "\t ", " -- it's; a comment\n", " /* x ; 'y \n z */ ", " // don't\r\n", "\r\n"])


@given(st.lists(st.tuples(_fragments, _gaps), min_size=1, max_size=25), st.text("é\u0141 x", max_size=5))
@settings(deadline=None)
def test_what_is_sent_is_the_script_less_its_comments(pieces, name):
    from leadflow.stages.script.source import Source

    pieces = [(f"'{name}'", "/**/"), *pieces]
    source = Source.of("".join(fragment + gap for fragment, gap in pieces))
    blank = lambda gap: gap if not gap.strip() else re.sub(r"[^\s]", " ", gap)  # noqa: E731
    expected = "".join(fragment + blank(gap) for fragment, gap in pieces)
    assert len(source.statements) == 1
    assert source.statements[0].sent == expected.rstrip()


@pytest.mark.parametrize("newer", ["\r\n", "\n"])
def test_line_breaks_within_a_literal_stay(newer):
    assert parse_script(f"SELECT 'a{newer}b' AS x{newer}").select == f"SELECT 'a{newer}b' AS x"


def test_a_comment_that_an_editor_ends_earlier_hides_nothing():
    with pytest.raises(ScriptError, match=r"line 1, column 21 .*U\+2028"):
        parse_script("SELECT a FROM t -- x\u2028WHERE opted_out = FALSE")
    assert parse_script("SELECT a FROM t -- x\rWHERE b").select.split() == ["SELECT", "a", "FROM", "t", "WHERE", "b"]


_MINE = "CREATE TEMP TABLE mine AS SELECT 1 AS a"


@pytest.mark.parametrize(
    "script",
    [
        "SHOW TABLES LIKE 'x;y%' IN SCHEMA s",
        "DESC TABLE t",
        "DESCRIBE VIEW v",
        "EXPLAIN USING TEXT DELETE FROM t",
        "LIST @stage/path",
        "LS @~",
        "ALTER SESSION SET TIMEZONE = 'America/New_York', WEEK_START = 1",
        "ALTER SESSION UNSET TIMEZONE",
        "SET (a, b) = (1, (SELECT MAX(x) FROM t)); UNSET (a, b)",
        "USE ROLE r; USE WAREHOUSE w; USE DATABASE d; USE SCHEMA d.s; USE SECONDARY ROLES ALL",
        "SHOW TABLES ->> SELECT * FROM $1",
        f'{_MINE}; INSERT INTO MINE SELECT 2; INSERT OVERWRITE INTO "MINE" VALUES (3)',
        f"{_MINE}; UPDATE mine SET a = 2; DELETE FROM mine WHERE a = 2; TRUNCATE TABLE IF EXISTS mine",
        f"{_MINE}; MERGE INTO mine USING t ON t.a = mine.a WHEN NOT MATCHED THEN INSERT (a) VALUES (t.a)",
        f"{_MINE}; ALTER TABLE mine ADD COLUMN b INT; ALTER TABLE mine DROP COLUMN b; DROP TABLE mine",
        "CREATE OR REPLACE LOCAL TEMPORARY TABLE d.s.mine (a INT DEFAULT 1 NOT NULL); "
        'INSERT INTO D.S."MINE" VALUES (1)',
        "CREATE VOLATILE TABLE mine (a INT); DELETE FROM mine",
        "CREATE TEMP TABLE mine (a VARCHAR); COPY INTO mine FROM @stage",
        "CREATE TEMP VIEW v AS SELECT 1 AS a; DROP VIEW v",
        "CREATE TEMP TABLE mine CLONE t; CREATE TEMP TABLE more LIKE t; INSERT INTO more SELECT * FROM mine",
        "CREATE TEMP FUNCTION f(a STRING) RETURNS STRING LANGUAGE JAVASCRIPT AS $$ return `${A} {{x}} ?` $$",
        "CREATE TEMPORARY FILE FORMAT ff TYPE = CSV; CREATE TEMP STAGE st",
    ],
)
def test_what_only_reads_or_changes_its_own_temporary_tables_runs(script):
    parsed = parse_script(f"{script}; SELECT 1 AS a")
    assert parsed.select == "SELECT 1 AS a"
    assert list(parsed.setup) == [part.strip() for part in re.split(r";(?!y)", script)]


@pytest.mark.parametrize(
    "script",
    [
        "SELECT * INTO x FROM t",
        "SELECT * INTO TEMP x FROM t",
        "WITH c AS (SELECT 1) SELECT * INTO x FROM c",
        f"{_MINE}; DROP TABLE mine; DROP TABLE mine",
        f"{_MINE}; DROP TABLE other.mine",
        f"{_MINE}; DROP VIEW mine",
        f"{_MINE}; DROP TABLE mine, t",
        f"{_MINE}; USE SCHEMA other; DELETE FROM mine",
        f"{_MINE}; USE DATABASE other; DELETE FROM mine",
        f'{_MINE}; INSERT INTO "mine" VALUES (1)',
        f"INSERT INTO mine VALUES (1); {_MINE}",
        f"{_MINE}; CREATE OR REPLACE TABLE mine (a INT)",
        f"{_MINE}; CREATE OR ALTER TEMP TABLE t (a INT)",
        f"{_MINE}; ALTER TABLE mine SWAP WITH t",
        f"{_MINE}; ALTER TABLE mine RENAME TO t",
        f"{_MINE}; INSERT ALL INTO mine INTO t SELECT 1",
        f"{_MINE}; MERGE INTO t USING mine ON t.a = mine.a WHEN MATCHED THEN DELETE",
        f"{_MINE}; COPY INTO mine FROM @stage PURGE = TRUE",
        f"{_MINE}; COPY INTO @stage FROM mine",
        "CREATE TEMP TABLE IF NOT EXISTS t (a INT); DELETE FROM t",
        "CREATE TRANSIENT TABLE x (a INT)",
        "CREATE SEQUENCE s",
        "CREATE STREAM s ON TABLE t",
        "CREATE PROCEDURE p() RETURNS INT LANGUAGE SQL AS $$ x $$",
        "ALTER USER u SET PASSWORD = 'x'",
        "ALTER WAREHOUSE w SUSPEND",
        "UNDROP TABLE t",
        "PUT file:///tmp/x @~",
        "REMOVE @stage/x",
        "COMMENT ON TABLE t IS 'x'",
        "EXECUTE TASK k",
        "SHOW TABLES ->> DELETE FROM t",
        "SHOW TABLES ->> INSERT INTO t SELECT * FROM $1",
        "drop /* temp */ table t",
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_what_writes_is_refused_as_a_write(script, last):
    with pytest.raises(ScriptError, match=r"statement \d of the script writes \("):
        parse_script(script if last else f"{script}; SELECT 1 AS a")
    if not last:
        assert parse_script(f"{script}; SELECT 1 AS a", allow_writes=True).setup


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TEMP TABLE y AS SELECT * INTO x FROM t",
        "CREATE OR REPLACE TEMP VIEW y AS SELECT a FROM (SELECT * INTO x FROM t)",
        "SET n = (SELECT 1 INTO x)",
        "SHOW TABLES ->> SELECT * INTO x FROM $1",
        "SELECT a FROM (SELECT b INTO x FROM t)",
        "SELECT a FROM t UNION ALL SELECT b INTO x FROM u",
    ],
)
def test_into_is_a_write_wherever_it_stands(script):
    with pytest.raises(ScriptError, match=r"statement 1 of the script writes \(INTO\)"):
        parse_script(f"{script}; SELECT 1 AS a")


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("SELECT s.NEXTVAL AS n", "sequence"),
        ("SELECT * FROM TABLE(GETNEXTVAL(s))", "sequence"),
        ("CREATE TEMP TABLE x (a INT DEFAULT s.NEXTVAL)", "sequence"),
        ("SELECT SYSTEM$CANCEL_QUERY('x')", r"SYSTEM\$CANCEL_QUERY"),
        ("SET x = SYSTEM$ABORT_SESSION(1)", r"SYSTEM\$ABORT_SESSION"),
        ('SELECT "SYSTEM$ABORT_SESSION"(1)', r"SYSTEM\$ABORT_SESSION"),
        ("SELECT IDENTIFIER($f)(1)", "IDENTIFIER"),
        ("CALL p()", "not a query"),
        ("EXECUTE IMMEDIATE 'DROP TABLE t'", "not a query"),
        ("BEGIN; COMMIT", "not a query: it opens or ends a transaction"),
        ("BEGIN DELETE FROM t; END", "Scripting block"),
        ("DECLARE x INT; BEGIN RETURN 1; END", "Scripting block"),
        ("LET x := 1", "Scripting block"),
        ("WITH p AS PROCEDURE () RETURNS INT LANGUAGE SQL AS $$ x $$ CALL p()", "cannot be read"),
        ("GET @s file:///tmp", "not a query"),
        ("SELECT a FROM t FOR UPDATE", "cannot be judged|cannot be read"),
        ("ALTER SESSION SET MULTI_STATEMENT_COUNT = 0", "MULTI_STATEMENT_COUNT"),
        ("ALTER SESSION SET NO_SUCH_THING = 1", "NO_SUCH_THING, which is no session parameter"),
        ("SELEC 1", "statement 1 of the script cannot be read: line 1, column 1"),
        ("SELECT a\nFROM WHERE b = 1", r"statement 1 of the script cannot be read: line 2, column 6, near WHERE"),
        ("CREATE TEMP TABLE x AS\n  SELECT a FROM", r"line 2"),
        ("SHOW TABLES ->>", "nothing before or after"),
        ("CREATE TEMP TABLE IDENTIFIER($x) AS SELECT 1", "plain name"),
    ],
)
@pytest.mark.parametrize("allow", [False, True])
def test_what_is_not_understood_is_refused_without_a_word_of_opening_writes(script, says, allow):
    acts = ("NEXTVAL", "SYSTEM$", "CALL p()", "COMMIT", "IDENTIFIER($f)")
    if allow and any(word in script.upper() or word in script for word in acts) and "PROCEDURE" not in script:
        assert parse_script(f"{script}; SELECT 1 AS a", allow_writes=True)
        return
    with pytest.raises(ScriptError, match=says) as caught:
        parse_script(f"{script}; SELECT 1 AS a", allow_writes=allow)
    assert "ALLOW_WRITES" not in str(caught.value)


_steps = st.sampled_from(["create", "replace", "maybe", "drop", "insert", "use", "other"])


@given(st.lists(st.tuples(_steps, st.sampled_from(["a", "B", '"A"'])), max_size=8))
@settings(deadline=None)
def test_only_what_is_surely_its_own_may_be_changed(steps):
    """The validator against a model: the tables that are the script's for certain, by schema and name."""
    sql = {
        "create": "CREATE TEMP TABLE {} (x INT)",
        "replace": "CREATE OR REPLACE TEMPORARY TABLE {} (x INT)",
        "maybe": "CREATE TEMP TABLE IF NOT EXISTS {} (x INT)",
        "drop": "DROP TABLE IF EXISTS {}",
        "insert": "INSERT INTO {} VALUES (1)",
        "use": "USE SCHEMA s2",
        "other": "USE SCHEMA s1",
    }
    schema, own, allowed = "s1", set(), True
    for step, name in steps:
        table = (schema, name.strip('"').upper())
        if step in ("use", "other"):
            schema = "s2" if step == "use" else "s1"
        elif step in ("create", "replace"):
            own.add(table)
        elif step in ("drop", "insert"):
            allowed = allowed and table in own
            own -= {table} if step == "drop" else set()
    script = "; ".join(["USE SCHEMA s1", *(sql[step].format(name) for step, name in steps), "SELECT 1 AS a"])
    if allowed:
        assert parse_script(script).select
    else:
        with pytest.raises(ScriptError, match="writes"):
            parse_script(script)


@pytest.mark.parametrize(
    "script",
    [
        "SELECT * INTO TEMP PERSON_CACHE FROM t",
        "SELECT * INTO db.s.person_cache FROM t",
        "CREATE TABLE y AS SELECT * INTO PERSON_CACHE FROM t",
        'CREATE TABLE "PERSON_CACHE" AS SELECT 1 AS a',
        "CREATE TEMP VIEW unique_consolidated_data AS SELECT 1 AS a",
        "CREATE OR REPLACE DYNAMIC TABLE PERSON_CACHE TARGET_LAG = '1 minute' WAREHOUSE = w AS SELECT 1 AS a",
        "ALTER TABLE t RENAME TO PERSON_CACHE",
        "ALTER TABLE t SWAP WITH PERSON_CACHE",
        "CREATE TEMP TABLE lf_leads (a INT)",
        "UNDROP TABLE PERSON_CACHE",
        "SHOW TABLES ->> CREATE TEMP TABLE PERSON_CACHE AS SELECT * FROM $1",
    ],
)
def test_no_table_that_a_script_makes_hides_one_of_leadflow_s(world, script):
    with Warehouse(world.settings.warehouse) as warehouse:
        calls = world.stats()["snowflake"]["calls"]
        with pytest.raises(ScriptError, match="a name that leadflow uses itself"):
            extract(f"{script}; SELECT 1 AS a", warehouse, allow_writes=True)
        assert world.stats()["snowflake"]["calls"] == calls


def test_the_record_of_a_script_that_cannot_be_rewritten():
    kept = without_literals(
        "SELECT a FROM t WHERE b = 'Ann' AND $1 = 5045550143 FROM FROM -- Ann Lee\n"
        "; SHOW TABLES LIKE $$Lee$$ ->> SELECT * FROM $1"
    )
    assert kept == "SELECT a FROM t WHERE b = '?' AND $1 = '?' FROM FROM;\nSHOW TABLES LIKE '?' ->> SELECT * FROM $1"
    assert (
        without_literals("SELECT 'Ann")
        == "-- not kept: the script cannot be read: the ' that is opened on line 1 is not closed"
    )


@given(st.text("ab'\\\n$ ;-", min_size=1, max_size=12))
@settings(deadline=None)
def test_an_error_quotes_no_constant_of_the_script(text):
    literal = "'" + text.replace("\\", "\\\\").replace("'", "''") + "Zoe Quux'"
    said = without_constants(f"unexpected {literal}.", f"SELECT {literal}")
    assert "Zoe Quux" not in said

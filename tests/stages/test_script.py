"""Scripts: judged by tokens and trees, sent as they were written, read from any file that an analyst has."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome import sheet_rows

import leadflow as lf
from leadflow.errors import JobFailedError, ScriptError
from leadflow.services.warehouse import Warehouse
from leadflow.stages import extract
from leadflow.stages.script import parse_script, read_script, without_constants, without_literals

# What a rewriting parser may change, and what must go up byte for byte.
_AS_WRITTEN = [
    "SELECT a FROM t WHERE opted_out IS NOT TRUE",
    "SELECT a FROM t WHERE NOT (opted_out IS DISTINCT FROM FALSE) AND b IS NOT FALSE",
    "SELECT (SELECT MAX(f.value:tag::string) FROM TABLE(FLATTEN(INPUT => l.tags)) f) AS tag FROM t l",
    "SELECT 2 * MOD(id, 5), id % 3 * 2 FROM t",
    'SELECT src:a.b[0]:"C d"::string, $1:x, $2, METADATA$FILENAME FROM @stage/f.json (FILE_FORMAT => ff)',
    "SELECT * FROM t WHERE a ILIKE ANY ('x%', '%s') AND b RLIKE 'a\\\\d{2}$'",
    "SELECT *, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b NULLS LAST) AS n FROM t QUALIFY n = 1",
    "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY a ORDER BY b MEASURES FIRST(b) AS f PATTERN (x{2} y+) DEFINE x AS b > 1)",
    "SELECT * EXCLUDE (a) RENAME (b AS c), t.* REPLACE (UPPER(d) AS d) FROM t AT (OFFSET => -60*5)",
    "SELECT 'it\\'s', 'a''b', $$it's; -- no comment$$, x'0aFF', '\\n;' FROM t",
    "WITH RECURSIVE c AS (SELECT 1 AS n UNION ALL SELECT n+1 FROM c WHERE n<9) SELECT TOP 5 n::NUMBER(38,0) FROM c",
    "SELECT DATEADD('day', -30, CURRENT_DATE), DATE_TRUNC(month, d), TRY_TO_NUMBER(z) FROM t ORDER BY 1 DESC",
    "SELECT {'a': {'b': 1}}, [1, 2], OBJECT_CONSTRUCT(*), a:b::variant FROM t, LATERAL FLATTEN(input => t.c, outer => true) x",
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
        'CREATE OR REPLACE LOCAL TEMPORARY TABLE d.s.mine (a INT DEFAULT 1 NOT NULL); INSERT INTO D.S."MINE" VALUES (1)',
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
    """The judge against a model: the tables that are the script's for certain, by schema and name."""
    sql = {
        "create": "CREATE TEMP TABLE {} (x INT)", "replace": "CREATE OR REPLACE TEMPORARY TABLE {} (x INT)", "maybe": "CREATE TEMP TABLE IF NOT EXISTS {} (x INT)",
        "drop": "DROP TABLE IF EXISTS {}", "insert": "INSERT INTO {} VALUES (1)", "use": "USE SCHEMA s2", "other": "USE SCHEMA s1",
    }  # fmt: skip
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


# Placeholders.

_UNFILLED = [
    ("SELECT {{ col }} AS a", "{{ col }}"),
    ("SELECT '{{ col }}' AS a", "{{ col }}"),
    ('SELECT a AS "{{ col }}" FROM t', "{{ col }}"),
    ("SELECT 1 AS a {% if x %} FROM t {% endif %}", "{% if x %}"),
    ("SELECT 1 AS a {# don't #}", "{# #}"),
    ("{{ config(materialized='table') }} SELECT 'don", "{{ config(materialized=...) }}"),
    ("SELECT a FROM &db.t", "&db"),
    ("SELECT a FROM leads_&env", "&env"),
    ("SELECT a FROM t WHERE s = '&state'", "&state"),
    ("SELECT a FROM t WHERE s LIKE '%&state%'", "&state"),
    ("SELECT a FROM t WHERE d > '&year-01-01'", "&year"),
    ("SELECT a FROM t WHERE s = '&&state'", "&&state"),
    ("SELECT a FROM t WHERE s = 'x&{state}'", "&{state}"),
    ("SELECT a FROM ${db}.t", "${db}"),
    ("SELECT a FROM t WHERE s = '${state}'", "${state}"),
    ("SELECT a FROM t WHERE s = %(state)s", "%(state)s"),
    ("SELECT a FROM t WHERE s = '%(state)s'", "%(state)s"),
    ("SELECT a FROM t WHERE s = %s", "%s"),
    ("SELECT a FROM t WHERE s IN (%s, %s)", "%s"),
    ("SELECT a FROM t WHERE s = '%s'", "%s"),
    ("SELECT a FROM t WHERE s NOT IN ('TX', '%s')", "%s"),
    ("SELECT a FROM t WHERE s = ?", "?"),
    ("SELECT a FROM t LIMIT ?", "?"),
    ("SELECT a FROM t WHERE s = '?'", "?"),
    ("SELECT a FROM t WHERE s NOT IN ('TX', '?')", "?"),
    ("SELECT a FROM t WHERE d BETWEEN '?' AND '?'", "?"),
    ("SELECT a FROM t WHERE s <> '?'", "?"),
    ("SELECT a FROM t WHERE s NOT LIKE '?'", "?"),
    ("SELECT a FROM t WHERE s = '{0}'", "{0}"),
    ("SELECT a FROM t WHERE s = '$(state)'", "$(state)"),
    ("SET x = '?'; SELECT a FROM t WHERE s = $x", "?"),
    ("SELECT a FROM t WHERE s = :state", ":state"),
    ("SELECT a FROM t WHERE s IN (:1, :2)", ":1"),
    ("SELECT a FROM t WHERE s = ':state'", ":state"),
    ("SELECT a FROM {table}", "{table}"),
    ("SELECT a FROM t WHERE s = '{state}'", "{state}"),
    ("SELECT a FROM t WHERE s <> '$state'", "$state"),
    ("SELECT a FROM <% env %>.t", "<% env %>"),
    ("SELECT a FROM t WHERE s = '<% ctx.env.s %>'", "<% ctx.env.s %>"),
    ("SELECT a FROM $(db).t", "$(db)"),
    ("SELECT a FROM t WHERE s = '#{state}'", "#{state}"),
]


@pytest.mark.parametrize(("script", "name"), _UNFILLED)
@pytest.mark.parametrize("allow", [False, True])
def test_a_placeholder_that_nobody_filled_is_refused_by_name(script, name, allow):
    with pytest.raises(ScriptError, match=re.escape(f"unfilled placeholder, {name}, at line ")) as caught:
        parse_script(f"SELECT 1;\n{script}", allow_writes=allow)
    assert "line 2" in str(caught.value)
    assert "ALLOW_WRITES" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'AT&T', 'R&D Dept', 'Johnson & Johnson', 'a=1&b=2', 'http://x?a=1&b=2', '&amp;', 'Tom &amp; Al'",
        "SELECT a:b, a:b.c[0]:d, PARSE_JSON(x):y, arr[0]:z, \"q\":r, t.on:x, 'k'::string, {'k':v}",
        "SELECT a FROM t WHERE s LIKE '%s' AND u ILIKE ANY ('%s', '%d') AND v NOT LIKE '%s%'",
        "SELECT '100%', 10 % s, a % (b), a %s, '50% (net)s' FROM t",
        "SELECT 'why?', '?', ' ? ', NULLIF(a, '?'), \"ok?\" FROM t WHERE b <> 'why?' AND c LIKE '%?'",
        "SELECT '{\"a\": {\"b\":1}}', {'a': {'b': 1}}, {}, {*} FROM t",
        "SELECT REGEXP_SUBSTR(a, '^\\\\d{5}$'), REPLACE(b, '$', ''), '$5', 'US$', $1, $name FROM t",
        "SELECT a & b, BITAND(a, b), a || ' & ' || b FROM t",
        "SELECT '12:30:00', 'note: call', DATE '2026-01-01', '2026-01-01 10:00'::timestamp FROM t",
        "SELECT 1 AS a -- {{ x }} &y ? :z ${w}\n FROM t /* %(q)s don't */",
        "SELECT REPLACE(a, '%s', b), CONTAINS(a, ':name'), POSITION('{name}' IN a) FROM t",
        "SELECT * FROM t MATCH_RECOGNIZE (ORDER BY b MEASURES FIRST(b) AS f PATTERN (x{2} y+) DEFINE x AS b > 1)",
        "SELECT a FROM t WHERE html LIKE '<%>' AND j LIKE '{%' AND k LIKE '%}' AND m LIKE '{%}'",
        "SELECT CASE WHEN a:x THEN b:y ELSE c:z END, IFF(a:x IS NULL, b, c) FROM t WHERE a:x AND b:y",
    ],
)
def test_what_is_no_placeholder_is_not_taken_for_one(query):
    assert parse_script(query).select


@given(
    st.sampled_from(["SELECT 'x' AS a", "SELECT a:b FROM t", "SELECT a % 5 FROM t"]),
    st.text("abz_", min_size=1, max_size=6),
    st.integers(0, 4),
)
@settings(deadline=None)
def test_a_filled_script_passes_and_an_unfilled_one_never_does(query, name, kind):
    forms = ["{{{{ {} }}}}", "${{{}}}", "&{}", "%({})s", "<% {} %>"]
    unfilled = forms[kind].format(name)
    assert parse_script(f"{query} -- {unfilled}").select
    for written in (unfilled, f"'{unfilled}'"):
        with pytest.raises(ScriptError, match="unfilled placeholder"):
            parse_script(f"SELECT * FROM ({query}) s WHERE x = {written}")


# The record.


def test_the_record_of_a_script_that_cannot_be_rewritten():
    kept = without_literals(
        "SELECT a FROM t WHERE b = 'Ann' AND $1 = 5045550143 FROM FROM -- Ann Lee\n; SHOW TABLES LIKE $$Lee$$ ->> SELECT * FROM $1"
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


# Files.

_TEXT = "SELECT 'San José' AS city, 'naïve \u2013 “x”' AS b\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-32"])
@pytest.mark.parametrize("name", ["june.sql", "JUNE.SQL", "june leads.sql", "select june.sql", "june.txt"])
def test_a_file_is_read_whatever_windows_wrote_it_in(tmp_path, encoding, name):
    path = tmp_path / name
    path.write_bytes(_TEXT.encode(encoding))
    for given_as in (path, str(path), f"'{path}'", f'"{path}"', f"  {path}\n"):
        assert read_script(given_as) == (_TEXT, path.stem)


def test_a_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "June.SQL").write_text("SELECT 1")
    assert read_script("~/June.SQL") == ("SELECT 1", "June")
    with pytest.raises(ScriptError, match="no such user"):
        read_script("~nosuchuser9/June.sql")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        ("\ufeff \n".encode(), "is empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "save it as UTF-8"),
        ("SELECT 'José'".encode("mac_roman"), "save it as UTF-8"),
        ("SELECT 'José'".encode("cp437"), "save it as UTF-8"),
        ("SELECT 'Привет мир'".encode("cp1251"), "save it as UTF-8"),
        ("SELECT 1".encode("utf-16-le"), "save it as UTF-8"),
        (b"\xff\xfeS", "save it as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path, data, says):
    path = tmp_path / "june.sql"
    path.write_bytes(data)
    with pytest.raises(ScriptError, match=says) as caught:
        read_script(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("no_such.sql", "there is no script file no_such.sql"),
        ("'NO SUCH.SQL'", "there is no script file NO SUCH.SQL"),
        ("~/no/such.sql", "there is no script file"),
        ("C:\\jobs\\june.sql", "there is no script file C:"),
        ("C:\new\\june.sql", "control character"),
        ("leads.csv", "data file"),
        ("/data/june.parquet", "data file"),
        ("notes.ipynb", "is not a script"),
        ("./scripts/june", "there is no script file"),
        (".", "folder"),
        ("", "is empty"),
        ("\ufeff \n", "is empty"),
    ],
)
def test_each_wrong_path_gets_the_right_word(script, says):
    with pytest.raises(ScriptError, match=re.escape(says)):
        read_script(script)


@pytest.mark.parametrize("script", [None, 5, b"SELECT 1", ["SELECT 1"], True])
def test_what_is_neither_text_nor_a_path_is_refused(script):
    with pytest.raises(ScriptError, match=r"SQL text or the path of a \.sql file, not "):
        read_script(script)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM reports.sql",
        "SELECT 1 AS a -- from june.sql",
        "select a from t where n = 'x.sql'",
        "WITH a AS (SELECT 1) SELECT * FROM a.sql",
        "/* june.csv */ SELECT 1",
    ],
)
def test_sql_that_ends_like_a_path_is_sql(text):
    assert read_script(text) == (text, "script")


# Over the local world.


@pytest.fixture
def engine(world):
    with lf.Engine(world.settings) as engine:
        yield engine


def _tables(world):
    with Warehouse(world.settings.warehouse) as warehouse:
        return {
            name
            for (name,) in warehouse.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'PUBLIC'"
            )
        }


def _rows(world, script):
    with Warehouse(world.settings.warehouse) as warehouse:
        return extract(script, warehouse).values.tolist()


@pytest.mark.parametrize(
    ("script", "rows"),
    [
        ("SET (a, b) = ('%A%', 3); SELECT $a AS x, $B AS y", [["%A%", "3"]]),
        ("SET s = 'TX'; SET state = 'LA'; SELECT $s AS x, $State AS y", [["TX", "LA"]]),
        ("SET (a, b) = (SELECT 'q', 7); SELECT $a AS x, $b AS y", [["q", "7"]]),
        ("SET (a, b) = (1, 2); UNSET (a, b); SET a = 3; SELECT $a AS x", [["3"]]),
        ("SELECT '$foo' AS a, 'US$abc' AS b, $$c$d$$ AS c", [["$foo", "US$abc", "c$d"]]),
    ],
)
def test_session_variables_are_filled_in_and_a_dollar_sign_in_a_literal_stays(world, script, rows):
    assert _rows(world, script) == rows


def test_a_variable_that_is_not_set_is_said(world):
    with pytest.raises(ScriptError, match=r"'\$A' does not exist"):
        _rows(world, "SET a = 1; UNSET a; SELECT $a AS x")


@pytest.mark.parametrize("into", ["KEPT_LEADS", "TEMP PERSON_CACHE", "TABLE KEPT_LEADS"])
def test_select_into_leaves_nothing_and_buys_nothing(world, engine, into):
    script = f"SELECT * INTO {into} FROM RAW_LEADS; SELECT * FROM RAW_LEADS"
    before = _tables(world)
    with pytest.raises((ScriptError, JobFailedError), match="statement 1 of the script writes"):
        engine.estimate(script)
    with pytest.raises(JobFailedError, match="statement 1 of the script writes"):
        engine.run(script, progress=False)
    assert _tables(world) - before <= {"PERSON_CACHE", "UNIQUE_CONSOLIDATED_DATA"}
    assert world.stats()["idicore"]["calls"] == 0
    assert sheet_rows(world) == []


def test_a_filter_means_what_it_says(world):
    made = (
        "CREATE TEMP TABLE l AS SELECT column1 AS n, column2 AS opted_out FROM VALUES (1, TRUE), (2, FALSE), (3, NULL)"
    )
    assert _rows(world, f"{made}; SELECT n FROM l WHERE opted_out IS NOT TRUE ORDER BY n") == [["2"], ["3"]]
    assert _rows(world, f"{made}; SELECT n FROM l WHERE opted_out IS NOT FALSE ORDER BY n") == [["1"], ["3"]]
    assert _rows(world, f"{made}; SELECT 2 * MOD(n, 2) AS m FROM l ORDER BY n") == [["2"], ["0"], ["2"]]


def test_a_scalar_subquery_over_flatten_runs(world):
    made = 'CREATE TEMP TABLE l AS SELECT 1 AS n, PARSE_JSON(\'[{"tag":"a"},{"tag":"b"}]\') AS tags'
    assert _rows(
        world, f"{made}; SELECT (SELECT MAX(f.value:tag::string) FROM TABLE(FLATTEN(INPUT => l.tags)) f) AS t FROM l"
    ) == [["b"]]


@pytest.mark.parametrize(
    "script",
    [
        'SHOW TABLES; SELECT "name" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "name" = \'RAW_LEADS\' -- Ann',
        'SHOW TABLES; SELECT 1 AS b; SELECT s."name" FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2))) s',
        'SHOW TABLES ->> SELECT "name" FROM $1 WHERE "name" = \'RAW_LEADS\';',
        'SHOW TABLES ->> SELECT 1 AS b ->> SELECT "name" FROM $2',
        "SHOW TABLES; SET q = LAST_QUERY_ID(); SELECT 'RAW_LEADS' AS \"name\"",
    ],
)
def test_results_of_earlier_statements_are_the_script_s_own(world, script):
    assert ["RAW_LEADS"] in _rows(world, script)


def test_a_whole_job_over_an_earlier_result(world, engine):
    job = engine.run(
        "SELECT * FROM RAW_LEADS; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))", limit_rows=5, progress=False
    )
    assert job.ok
    assert job.counts.extracted > 5
    piped = engine.run(
        "ALTER SESSION SET TIMEZONE = 'UTC'; SELECT * FROM RAW_LEADS ->> SELECT * FROM $1 -- all",
        limit_rows=5,
        progress=False,
    )
    assert piped.ok
    assert piped.counts.already_processed > 0


@pytest.mark.parametrize(
    "script",
    [
        "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))",
        "SELECT 1 AS a; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(-2)))",
        "SELECT 1 AS a; SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID(1)))",
    ],
)
def test_a_result_that_is_not_the_script_s_is_refused(script):
    with pytest.raises(ScriptError, match="not in the script before it"):
        parse_script(script)


def test_its_own_temporary_tables_are_the_script_s_to_change(world):
    script = 'CREATE TEMP TABLE l (n INT); INSERT INTO l VALUES (1), (2); UPDATE L SET n = 5 WHERE n = 1; DELETE FROM "L" WHERE n = 2; SELECT * FROM l'
    assert _rows(world, script) == [["5"]]


def test_snowflake_is_asked_of_a_last_query_that_sqlglot_cannot_read(world, engine):
    script = "SELECT 1 AS x;\nSELECT a, FROM WHERE b = 'Ann Lee'"
    assert "line 2, column 16, near WHERE" in parse_script(script).unread
    with pytest.raises(JobFailedError, match="the script did not run") as caught:
        engine.run(script, progress=False)
    assert "Ann Lee" not in str(caught.value)
    assert world.stats()["idicore"]["calls"] == 0
    with pytest.raises(ScriptError, match="more than a query"):
        parse_script("SELECT a FROM WHERE DELETE FROM t")


def test_an_error_of_a_setup_statement_names_the_statement_and_its_line(world):
    with pytest.raises(ScriptError, match="statement 2 of the script, on line 3, did not run"):
        _rows(world, "SELECT 1 AS a;\n\nCREATE TEMP TABLE x AS SELECT * FROM NO_SUCH_TABLE; SELECT 1 AS a")

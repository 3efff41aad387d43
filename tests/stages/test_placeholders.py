"""Placeholders that nobody filled are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow.errors import ScriptError
from leadflow.stages.script import parse_script

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

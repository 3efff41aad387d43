"""Leads, and people whom the vendor finds, for the tests of matching."""

from __future__ import annotations

from leadflow.leads.matching import is_same
from leadflow.leads.people import Person

NAMED = {"first": "MARIA", "last": "GARCIA"}
AT_HOME = {"data": "123 MAIN ST", "city": "HOUSTON", "state": "TX", "zip": "77002"}


def lead(first="Maria", last="Garcia", address="123 Main St", city="Houston", state="TX", zip="77002"):
    return Person("k", first, last, address, city, state, zip)


def found(name=None, address=None, **more):
    return {"name": [name or NAMED], "address": [address or AT_HOME], **more}


def as_found(person, vary=str):
    """Somebody of the lead's own name and address, as the vendor might write them."""
    name = {"first": vary(person.first_name), "last": vary(person.last_name)}
    address = {"data": vary(person.address), "city": vary(person.city), "state": vary(person.state), "zip": person.zip}
    return found(name, address)


def same_by_name(first, last, name):
    return is_same(lead(first, last), found(name))


def same_by_line(mine, theirs, **area):
    return is_same(lead(address=mine), found(address={**AT_HOME, "data": theirs, **area}))


def both_ways(mine, theirs):
    """Which side says what makes no difference."""
    one, other = same_by_line(mine, theirs), same_by_line(theirs, mine)
    assert one == other
    return one

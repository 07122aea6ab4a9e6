"""Edits of a template, as data."""

from __future__ import annotations

from cfn_injector.transform.edits import REMOVED, Edit, applied, at

TEMPLATE = {"Resources": {"F": {"Type": "T", "DependsOn": ["A", "B"]}}}


def test_a_value_is_put_where_its_path_says_and_the_template_stays_as_it_was() -> None:
    changed = applied(TEMPLATE, [Edit(("Resources", "F", "Type"), "U")])
    assert changed == {"Resources": {"F": {"Type": "U", "DependsOn": ["A", "B"]}}}
    assert TEMPLATE["Resources"]["F"]["Type"] == "T"


def test_mappings_on_the_way_are_made() -> None:
    changed = applied({}, [Edit(("Resources", "G", "Properties", "A"), 1)])
    assert changed == {"Resources": {"G": {"Properties": {"A": 1}}}}


def test_the_index_behind_a_list_appends_to_it() -> None:
    changed = applied(TEMPLATE, [Edit(("Resources", "F", "DependsOn", 2), "C")])
    assert at(changed, ("Resources", "F", "DependsOn")) == ["A", "B", "C"]


def test_members_and_items_are_removed_in_the_order_of_the_edits() -> None:
    edits = [
        Edit(("Resources", "F", "DependsOn", 0), REMOVED),
        Edit(("Resources", "F", "DependsOn", 0), REMOVED),
        Edit(("Resources", "F", "Type"), REMOVED),
        Edit(("Resources", "F", "Metadata", "A"), REMOVED),
    ]
    assert applied(TEMPLATE, edits) == {"Resources": {"F": {"DependsOn": []}}}


def test_nothing_is_at_a_path_that_leads_nowhere() -> None:
    assert at(TEMPLATE, ("Resources", "F", "DependsOn", 2)) is None
    assert at(TEMPLATE, ("Resources", "F", "Type", "A")) is None
    assert at(TEMPLATE, ("Outputs",)) is None

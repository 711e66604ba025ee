"""The four calls do on such servers what their contract says, and say, of every server."""

from tests.contract.api.test_four_calls import (
    test_a_change_holds_what_it_names_and_keeps_the_rest,
    test_a_change_that_changes_nothing_appends_nothing,
    test_an_assistant_is_created_from_a_template_and_read_at_once,
    test_another_voice_provider_brings_its_own_voice,
    test_malformed_variables_are_stored_and_reported,
    test_merge_patch_is_accepted,
    test_null_clears_a_text_that_may_be_empty,
    test_numbers_are_assigned_as_a_whole_and_routed_at_once,
    test_the_look_up_says_why_nobody_answers,
    test_the_template_is_custom_unless_named_and_fields_lie_over_it,
)

__all__ = [
    "test_a_change_holds_what_it_names_and_keeps_the_rest",
    "test_a_change_that_changes_nothing_appends_nothing",
    "test_an_assistant_is_created_from_a_template_and_read_at_once",
    "test_another_voice_provider_brings_its_own_voice",
    "test_malformed_variables_are_stored_and_reported",
    "test_merge_patch_is_accepted",
    "test_null_clears_a_text_that_may_be_empty",
    "test_numbers_are_assigned_as_a_whole_and_routed_at_once",
    "test_the_look_up_says_why_nobody_answers",
    "test_the_template_is_custom_unless_named_and_fields_lie_over_it",
]

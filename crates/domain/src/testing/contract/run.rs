/// Makes a test of every clause of the [`contract`](crate::testing::contract).
///
/// Takes the path of an async function that returns a fresh and empty store, or anything that
/// dereferences to one: a `Box`, an `Arc`, or a guard that drops the store's database. It is kept
/// until its clause has ended or panicked. The calling crate needs `tokio` with `macros` and `rt`.
/// The README has an example.
#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::store_contract! { @tests $make;
            participants {
                a_person_is_found_as_they_were_noted
                a_person_nobody_noted_is_not_found
                newer_details_replace_older_ones_and_the_rest_stays
                what_is_put_replaces_what_was_known
                a_new_name_shows_everywhere_at_once
                partners_are_those_one_shares_a_conversation_with
                the_partners_of_the_newest_messages_are_named_first
            }
            commits {
                events_are_published_before_a_commit_returns
                events_of_eight_committers_are_published_in_order
                a_refusal_changes_and_publishes_nothing
                a_commit_says_what_each_side_has_not_read
                a_message_is_read_at_once_by_its_reader_who_is_watching
                a_booking_event_is_handled_once_under_two_commits
            }
            conversations {
                a_conversation_is_as_it_was_asked_for
                an_opening_is_the_platform_s_and_waits_for_the_client
                a_salon_has_one_conversation_for_a_booking
                another_salon_s_booking_is_its_own
                the_same_two_may_have_several_conversations
                of_ten_openings_at_once_one_opens
                a_subject_is_set_and_removed
                a_status_is_set_and_toggled
                subject_and_status_change_together
                what_is_already_so_is_not_changed
                an_edit_moves_no_conversation_up_the_list
                conversations_come_newest_message_first
                ties_are_settled_by_the_greater_id
                a_status_narrows_the_list_and_its_total
                numbered_pages_hold_each_conversation_once
                cursors_meet_each_conversation_once_while_new_ones_open
                a_cursor_outlives_its_conversation
                a_list_holds_only_one_s_own
                a_deleted_conversation_is_in_no_query
                nothing_happens_where_nothing_is_any_more
                a_log_outlives_its_conversation_without_any_text
                its_booking_can_be_opened_again
                other_conversations_stay
                a_stranger_is_shut_out
                participants_of_other_conversations_are_shut_out
                where_nothing_is_nothing_is_found
            }
            messages {
                a_message_is_what_its_author_said
                a_message_may_be_files_without_words
                a_message_brings_its_conversation_up_to_date
                a_message_unarchives_a_conversation
                a_message_to_a_watching_reader_is_read_on_arrival
                a_repeated_key_brings_the_first_message_again
                a_replay_knows_that_the_message_was_read_since
                a_replay_changes_nothing_around_it
                a_key_names_no_second_message
                the_key_of_a_deleted_message_is_spent
                the_other_side_s_key_is_another_key
                a_key_is_free_in_another_conversation
                keys_are_told_apart_by_case
                without_a_key_every_message_is_new
                of_ten_sends_at_once_one_posts
                history_is_newest_first
                the_history_of_an_empty_conversation_is_an_empty_page
                a_page_shows_messages_as_they_are_alone
                numbered_pages_hold_each_message_once
                cursors_meet_each_message_once_while_new_ones_arrive
                a_full_last_page_is_the_last
                a_cursor_outlives_its_message
                an_unknown_message_is_not_found
                a_deleted_message_is_nowhere
                the_place_in_lists_falls_back_to_the_newest_message_left
                deleting_what_waits_lowers_unread
                only_its_author_deletes_a_message
                deleting_twice_happens_once
            }
            reading {
                reading_everything_leaves_nothing_unread
                reading_up_to_the_middle_leaves_the_rest
                a_horizon_never_moves_back
                marking_twice_happens_once
                own_messages_are_not_read_by_their_author
                a_position_beyond_the_newest_means_everything_until_now
                each_side_has_its_own_horizon
                a_receipt_tells_one_message_from_several
                what_was_deleted_needs_no_reading
                what_the_other_side_said_since_waits
                the_total_counts_every_conversation
                an_audit_goes_through_all_and_finds_nothing_to_repair
                the_start_page_shows_active_conversations_newest_first
                the_start_page_shows_what_the_other_side_said_last
                nothing_waits_for_a_stranger
            }
            log {
                every_change_takes_the_next_position
                the_newest_position_is_the_same_everywhere
                order_comes_from_positions_and_not_from_clocks
                twenty_at_once_leave_no_gap
                a_log_is_read_in_pieces
                a_log_that_never_reached_a_position_does_not_continue_from_it
                a_log_shows_messages_as_they_are_now
                a_log_shows_receipts_with_what_waits_now
                a_removed_subject_is_in_no_log
                there_is_no_log_of_nothing
                changes_of_conversations_are_listed_since_a_time
                what_became_of_conversations_is_for_participants
                a_store_that_works_answers_a_ping
            }
            appointments {
                a_report_is_kept_once
                a_report_is_found_whole
                reports_of_a_booking_wait_in_their_order
                a_rejected_event_blocks_nothing
                the_newest_that_was_handled_is_known
                a_conversation_s_id_is_reserved_for_one_booking
                the_id_of_a_conversation_is_not_to_be_had
                a_booking_reserves_one_id
                a_conversation_is_opened_under_the_id_that_was_reserved
                conversations_are_found_by_their_bookings
            }
            notices {
                an_event_opens_a_conversation_and_posts_a_notice
                a_conversation_may_be_opened_archived
                an_event_posts_to_the_booking_s_conversation
                a_subject_that_somebody_wrote_stays
                a_notice_to_a_watching_client_is_read_on_arrival
                a_change_based_on_an_old_state_is_not_applied
                an_event_may_change_nothing
                a_deleted_notice_is_nowhere
                of_ten_who_apply_an_event_at_once_one_does
                of_two_events_at_once_one_looks_again
            }
            retention {
                what_is_put_away_for_its_age_wakes_nobody
                a_notice_of_the_house_is_nobody_s
                a_message_brings_back_what_was_put_away_for_its_age
                what_is_no_longer_due_stays_in_use
                old_messages_go_piece_by_piece
                what_is_no_longer_due_keeps_its_messages
                a_policy_is_kept_until_the_next
                a_salon_may_have_something_of_its_own
                the_walk_meets_every_old_conversation_once
                an_age_says_what_the_rule_asks_for
                a_log_loses_its_old_beginning
                the_logs_of_what_is_gone_are_forgotten_too
                a_night_s_work_is_entered_once
            }
            preferences {
                the_usual_is_wanted_until_somebody_says_otherwise
                a_change_of_preferences_leaves_the_rest
                concurrent_changes_of_preferences_are_all_applied
                a_conversation_is_muted_and_unmuted
                only_one_s_own_conversations_are_muted
                of_twenty_mutings_at_once_none_is_lost
                no_more_than_a_thousand_are_muted
                a_deleted_conversation_is_no_longer_muted
            }
            mail {
                messages_are_noted_for_the_other_side
                everything_pending_for_a_person_is_one_decision
                only_what_may_be_missed_is_noted
                what_was_read_or_deleted_is_not_mailed
                what_was_put_off_is_due_then
                what_is_sent_is_in_a_mail_and_no_longer_pending
                what_is_dropped_is_no_longer_pending
                all_lists_of_a_decision_are_applied
                a_decision_is_applied_once
                messages_posted_before_the_decision_stay_pending
                an_empty_decision_queues_no_mail
                what_was_put_off_keeps_nothing_from_being_looked_at
                a_mail_contains_what_was_decided_on
                a_mail_leaves_out_what_was_read_since
                no_message_is_mailed_twice
                a_closed_mail_stays_closed
                a_mail_goes_to_the_person_as_they_are_now
                an_address_that_sent_mail_back_is_known
                an_address_that_was_repaired_is_written_to_again
                a_suppressed_address_is_known_however_its_domain_is_written
                an_answer_finds_its_person_and_its_conversation
                a_token_of_a_webhook_call_is_taken_once
            }
            jobs {
                a_job_is_claimed_once
                a_lease_that_ran_out_passes_the_job_on
                a_lease_is_renewed_by_the_newest_claimant
                only_jobs_of_the_requested_kinds_are_claimed
                a_job_that_is_done_is_gone
                the_longest_waiting_job_is_claimed_first
                a_failed_job_is_due_at_the_given_time
                a_dead_letter_waits_for_the_operator
                of_ten_claimers_at_once_each_job_has_one
                a_schedule_comes_due_once_for_all
                a_schedule_s_work_does_not_pile_up
            }
            uploads {
                an_upload_is_its_owner_s_until_it_is_sent
                a_sent_upload_is_a_file_of_its_message
                what_is_not_one_s_own_to_send_is_not_there
                a_retry_with_an_upload_brings_the_message_again
                of_ten_sends_of_an_upload_at_once_one_posts
                unsent_uploads_are_bounded
                an_abandoned_upload_leaves_jobs_and_nothing_else
                old_uploads_that_were_not_sent_are_purged
                a_deleted_message_has_its_files_deleted
                a_conversation_taken_away_has_its_files_deleted
            }
            privacy {
                a_person_s_name_is_forgotten_at_once
                who_is_forgotten_cannot_come_back
                who_is_forgotten_says_nothing_more
                nothing_new_is_written_about_who_is_forgotten
                who_is_forgotten_sets_and_uploads_nothing
                who_is_forgotten_reads_and_deletes_nothing_and_is_sent_no_mail
                links_to_what_is_of_who_is_forgotten_lead_nowhere
                revoked_tokens_are_those_issued_before_a_time
                an_end_of_sessions_never_moves_back
                ends_of_sessions_are_read_in_pages_and_then_as_they_come
                revocations_are_dropped_when_they_are_old_and_erasures_never
                a_conversation_is_counted_once_however_often_it_is_erased
                what_they_wrote_is_emptied_piece_by_piece
                a_receipt_is_finished_when_nothing_is_left
                notices_that_named_them_name_nobody
                a_forgotten_salon_s_notices_are_emptied
                their_files_are_deleted
                reports_about_them_hold_no_name
                nobody_is_forgotten_unasked
                an_archive_is_asked_for_once_a_day
                an_archive_is_finished_once
                an_archive_goes_with_its_person
                an_archive_goes_with_the_other_side
                erasures_and_exports_are_in_the_audit_log
                retention_changes_are_in_the_audit_log
                who_was_forgotten_is_listed_and_forgotten_again
            }
        }
    };
    (@tests $make:path; $($topic:ident { $($clause:ident)* })*) => {$($(
        #[tokio::test]
        async fn $clause() {
            let store = $make().await;
            $crate::testing::contract::$topic::$clause(&*store).await;
        }
    )*)*};
}

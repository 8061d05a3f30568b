//! Migrations up, down and up again; and `schema.rs`.

use std::collections::BTreeMap;

use domain::{
    privacy::store::ErasureStore,
    testing::commands::{Commands as _, PostOutcome},
};
use storage_pg::{MigrateError, Settings, migrate, pending, revert_all};

use crate::{
    booking::{apply, greeting_in, report},
    support::{Rows, Scratch, Server},
    talk::{ANSWERS, TestConversation, now},
    uploads::{send, uploaded},
};

/// The contents of our schema, as the database describes them.
async fn described(scratch: &Scratch) -> Rows {
    let columns = "SELECT table_name, ordinal_position, column_name, data_type, domain_name,
        is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'messaging' ORDER BY table_name, ordinal_position";
    let constraints =
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'messaging'::regnamespace ORDER BY 1, 2";
    let indexes =
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'messaging' ORDER BY 1";
    let functions = "SELECT proname, prosrc, pg_get_function_result(oid) FROM pg_proc
        WHERE pronamespace = 'messaging'::regnamespace ORDER BY 1";
    let mut all = Vec::new();
    for part in [columns, constraints, indexes, functions] {
        all.extend(scratch.sql(part).await);
    }
    all
}

fn settings_of(scratch: &Scratch) -> Settings {
    Settings::new(Server::from_environment().url_of(scratch.name()))
}

#[tokio::test]
async fn what_goes_up_comes_down_and_goes_up_again() {
    let scratch = Scratch::new().await;
    let settings = settings_of(&scratch);
    let first = described(&scratch).await;
    assert_eq!(migrate(&settings).await.expect("nothing to do"), Vec::<String>::new());

    revert_all(&settings).await.expect("each has a way back");
    let left = "SELECT relname FROM pg_class
        WHERE relnamespace = 'messaging'::regnamespace AND relname NOT LIKE '\\_\\_diesel%'
        UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'messaging'::regnamespace
        UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'messaging'::regnamespace AND typtype = 'd'";
    assert_eq!(scratch.sql(left).await, Vec::<Vec<String>>::new());
    let missing = pending(&settings).await.expect("can be asked");
    let steps = [
        "2026-12-02-100000_conversations",
        "2026-12-02-100100_jobs_and_appointments",
        "2026-12-02-100200_mail",
        "2026-12-02-100300_retention",
        "2026-12-02-100400_personal_data",
        "2026-12-02-100500_import",
        "2026-12-02-100600_uploads",
        "2026-12-02-100700_unread_in_head",
        "2026-12-02-100800_id_form",
        "2026-12-02-100900_list_order",
        "2026-12-02-101310_session_ends",
        "2026-12-02-110200_job_leases",
        "2026-12-02-110210_changes_of_people",
        "2026-12-02-110220_webhook_tokens",
    ];
    assert_eq!(missing, steps);

    assert_eq!(migrate(&settings).await.expect("goes up again"), missing);
    assert_eq!(described(&scratch).await, first);
}

#[tokio::test]
async fn steps_are_taken_back_from_tables_with_something_in_them() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    let event = report(&scratch, "e1", "confirmed").await;
    apply(&scratch, &greeting_in(&event, &conversation.id)).await;
    let upload = uploaded(&scratch).await;
    let outcome = send(&conversation, &[upload]).await;
    assert!(matches!(outcome, PostOutcome::Posted(_)), "{outcome:?}");
    uploaded(&scratch).await;
    scratch.request_erasure(&conversation.client, now()).await.expect(ANSWERS);
    revert_all(&settings_of(&scratch)).await.expect("each has a way back");
}

#[tokio::test]
async fn what_is_unread_in_existing_conversations_is_counted() {
    let scratch = Scratch::new().await;
    let conversation = TestConversation::open(&scratch).await;
    conversation.send_text(&conversation.client, "Bonjour").await;
    conversation.read(&conversation.salon).await;
    for text in ["Êtes-vous là ?", "Allô ?"] {
        conversation.send_text(&conversation.client, text).await;
    }
    let gone = conversation.send_text(&conversation.client, "Oubliez").await.message;
    let deleted = conversation.store.delete_message(&gone.id, &conversation.client, now()).await;
    assert!(deleted.expect(ANSWERS).is_some());
    conversation.send_text(&conversation.salon, "Oui").await;
    let step = |way: &str| match way {
        "down" => include_str!("../../../../migrations/2026-12-02-100700_unread_in_head/down.sql"),
        _ => include_str!("../../../../migrations/2026-12-02-100700_unread_in_head/up.sql"),
    };
    scratch.sql(step("down")).await;
    scratch.sql(step("up")).await;
    let columns = "SELECT unread_by_salon, unread_by_client, waits_for_salon, waits_for_client
        FROM messaging.conversation";
    assert_eq!(scratch.sql(columns).await, [["2", "1", "t", "t"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_that_start_at_once_one_migrates() {
    let scratch = Scratch::new().await;
    let settings = settings_of(&scratch);
    revert_all(&settings).await.expect("each has a way back");
    let nodes: Vec<_> = (0..4)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { migrate(&settings).await.expect("all succeed").len() })
        })
        .collect();
    let mut applied = Vec::new();
    for node in nodes {
        applied.push(node.await.expect("no panic"));
    }
    applied.sort_unstable();
    assert_eq!(applied[..3], [0, 0, 0]);
    assert!(applied[3] > 0);
}

#[tokio::test]
async fn everything_of_ours_is_in_our_schema() {
    let scratch = Scratch::new().await;
    let elsewhere = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(scratch.number(elsewhere).await, 0);
}

/// A database as a checkout before the first release left it: other tables, and a list of other steps.
#[tokio::test]
async fn a_database_of_another_line_of_versions_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new().await;
    let settings = settings_of(&scratch);
    revert_all(&settings).await.expect("each has a way back");
    let old = "CREATE TABLE messaging.participant (id text PRIMARY KEY);
        INSERT INTO messaging.__diesel_schema_migrations (version)
        VALUES ('20261122100000'), ('20261122110000')";
    scratch.sql(old).await;
    let found = described(&scratch).await;
    for outcome in [migrate(&settings).await, pending(&settings).await] {
        let Err(MigrateError::Unknown(mut steps)) = outcome else { panic!("{outcome:?}") };
        steps.sort_unstable();
        assert_eq!(steps, ["20261122100000", "20261122110000"]);
    }
    assert_eq!(described(&scratch).await, found);
}

/// A node of this version starts again while a later version has migrated already.
#[tokio::test]
async fn what_a_later_version_added_stops_no_node_of_this_one() {
    let scratch = Scratch::new().await;
    let settings = settings_of(&scratch);
    let later =
        "INSERT INTO messaging.__diesel_schema_migrations (version) VALUES ('29991231235959')";
    scratch.sql(later).await;
    assert_eq!(migrate(&settings).await.expect("it is ours"), Vec::<String>::new());
    assert_eq!(pending(&settings).await.expect("it is ours"), Vec::<String>::new());
}

/// A step that is cut off leaves nothing: what runs in no transaction could leave half of itself.
#[test]
fn every_step_runs_in_a_transaction() {
    let steps = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    for step in std::fs::read_dir(steps).expect("they are there") {
        let settings = step.expect("it can be read").path().join("metadata.toml");
        assert!(!settings.exists(), "{} needs what migrations/README.md says", settings.display());
    }
}

/// `schema.rs` as text.
const SCHEMA: &str = include_str!("../../src/schema.rs");

#[tokio::test]
async fn the_tables_the_code_knows_are_the_tables_there_are() {
    let scratch = Scratch::new().await;
    let columns = "SELECT table_name, column_name, is_nullable, data_type
        FROM information_schema.columns
        WHERE table_schema = 'messaging' AND table_name NOT LIKE '\\_\\_diesel%'
        ORDER BY table_name, ordinal_position";
    let mut there: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in scratch.sql(columns).await {
        let [table, column, nullable, kind] = &row[..] else { panic!("{row:?}") };
        let kind = match kind.as_str() {
            "text" => "Text",
            "bigint" => "BigInt",
            "integer" => "Integer",
            "smallint" => "SmallInt",
            "timestamp with time zone" => "Timestamptz",
            "boolean" => "Bool",
            "bytea" => "Binary",
            "jsonb" => "Jsonb",
            "xid8" => "Xid8",
            other => panic!("no type for {other:?}"),
        };
        let kind = if nullable == "YES" { format!("Nullable<{kind}>") } else { kind.to_owned() };
        there.entry(table.clone()).or_default().push(format!("{column} -> {kind}"));
    }
    assert_eq!(known(), there);
}

fn known() -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in SCHEMA.lines().map(str::trim) {
        if let Some((name, _)) =
            line.strip_prefix("messaging.").and_then(|line| line.split_once(' '))
        {
            name.clone_into(&mut table);
        } else if let Some(column) = line.strip_suffix(',').filter(|line| line.contains(" -> ")) {
            tables.entry(table.clone()).or_default().push(column.to_owned());
        }
    }
    tables
}

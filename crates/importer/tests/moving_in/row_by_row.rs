//! Compares our tables with those of the legacy system.

use importer::Outcome;
use importer::{ImportedKind, Repair};
use testkit::reference::{self, Size};

use crate::fixture::{ANSWERS, Fixture};

/// Fails if a row is in one of them only.
pub(crate) async fn compare(fixture: &Fixture) {
    let differences = reference::differences(&fixture.client).await.expect(ANSWERS);
    assert_eq!(differences, [], "rows that are on one side alone");
}

#[tokio::test]
async fn a_row_that_is_on_one_side_alone_is_found() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    for (table, change) in [
        (
            "people",
            "UPDATE messaging.participant SET last_name = 'X' WHERE last_name = 'Roux' AND id ~ '^c[0-9a-f]{24}$'",
        ),
        (
            "conversations",
            "UPDATE messaging.conversation SET client_read_seq = 1 WHERE client_read_seq > 1",
        ),
        (
            "messages",
            "UPDATE messaging.message SET content = content || '.' WHERE seq = 3 AND char_length(content) < 99",
        ),
        ("files", "UPDATE messaging.attachment SET size_bytes = size_bytes + 1"),
        ("preferences", "DELETE FROM messaging.muted_conversation"),
        ("mail", "UPDATE messaging.pending_mail SET message_count = message_count + 1"),
    ] {
        assert!(fixture.client.execute(change, &[]).await.expect(ANSWERS) > 0, "{table}");
        let found = reference::differences(&fixture.client).await.expect(ANSWERS);
        assert!(
            found.iter().any(|(differing, count)| *differing == table && *count > 0),
            "{table}"
        );
    }
}

#[tokio::test]
async fn every_row_is_taken_over_with_its_id_its_time_and_its_place() {
    let fixture = Fixture::of(Size { conversations: 200, messages: 5_000 }).await;
    let (report, progress) = fixture.import().await;
    compare(&fixture).await;

    for (kind, table) in [
        (ImportedKind::Person, "\"User\""),
        (ImportedKind::Conversation, "\"Conversation\""),
        (ImportedKind::Message, "\"Message\""),
        (ImportedKind::File, "\"MessageAttachment\""),
        (ImportedKind::Counter, "\"MessageNotification\""),
        (ImportedKind::Preference, "\"NotificationPreference\""),
    ] {
        let rows = fixture.number(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(i64::try_from(report.count(kind, Outcome::Read)), Ok(rows), "{table}");
    }
    for kind in [
        ImportedKind::Person,
        ImportedKind::Conversation,
        ImportedKind::Preference,
        ImportedKind::Mail,
    ] {
        let read = report.count(kind, Outcome::Read);
        assert_eq!(read, report.count(kind, Outcome::New) + report.refused_total(kind));
    }
    assert!(progress.pages > 20, "it went page by page: {}", progress.pages);
    assert!(report.closed_mail() > 0 && report.repaired(Repair::MailMerged) > 0);
}

#[tokio::test]
async fn what_is_read_below_the_newest_read_message_is_counted() {
    let fixture = Fixture::small().await;
    let (report, _) = fixture.import().await;
    let below = fixture.number(include_str!("sql/read_below.sql")).await;
    assert!(below > 0, "the legacy database has some");
    assert_eq!(i64::try_from(report.repaired(Repair::ReadBelowHorizon)), Ok(below));
    let drifted = fixture.number(include_str!("sql/drifted.sql")).await;
    assert!(drifted > 0, "the legacy database has some");
    assert_eq!(i64::try_from(report.repaired(Repair::CounterDrifted)), Ok(drifted));
}

#[tokio::test]
async fn what_waits_to_be_read_is_what_lists_show() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    // Counters and positions of the conversation row, on which our statements rely.
    let wrong = fixture
        .lines(
            "SELECT conversation.id FROM messaging.conversation AS conversation
             LEFT JOIN LATERAL (
                 SELECT count(*), max(seq) FILTER (WHERE author_side = 'salon') AS salon,
                     max(seq) FILTER (WHERE author_side = 'client') AS client, max(seq) AS newest,
                     count(*) FILTER (WHERE author_side = 'client' AND seq > salon_read_seq) AS by_salon,
                     count(*) FILTER (WHERE author_side = 'salon' AND seq > client_read_seq) AS by_client,
                     count(*) = coalesce(max(seq) - min(seq) + 1, 0) AND coalesce(min(seq), 2) = 2 AS is_gapless
                 FROM messaging.message WHERE conversation_id = conversation.id
             ) AS messages ON true
             WHERE (message_count, salon_message_seq, client_message_seq, unread_by_salon, unread_by_client)
                 <> (messages.count, coalesce(messages.salon, 0), coalesce(messages.client, 0),
                     messages.by_salon, messages.by_client)
                 OR last_seq <> coalesce(messages.newest, 1) OR NOT is_gapless",
        )
        .await;
    assert_eq!(wrong, Vec::<String>::new());
}

/// Adds to each legacy table, and to each of ours that an import uses, every column that another one has.
const SAME_NAMES: &str = include_str!("sql/same_names.sql");
/// Drops those columns again.
const OWN_NAMES: &str = "DO $$ BEGIN
    EXECUTE (SELECT string_agg(format('ALTER TABLE %s DROP COLUMN %I', place, name), ';') FROM decoy);
END $$";

#[tokio::test]
async fn a_column_of_the_same_name_in_another_table_changes_nothing() {
    let fixture = Fixture::small().await;
    fixture.client.batch_execute(SAME_NAMES).await.expect(ANSWERS);
    let decoys = fixture.number("SELECT count(*) FROM decoy").await;
    assert!(decoys > 500, "{decoys}");
    let (first, _) = fixture.import().await;
    let marries = "UPDATE \"User\" SET \"lastName\" = 'Martin' WHERE role = 'client' AND id ~ '^c[0-9a-f]{24}$'";
    fixture.client.batch_execute(marries).await.expect(ANSWERS);
    fixture.import().await;
    fixture.client.batch_execute(OWN_NAMES).await.expect(ANSWERS);
    compare(&fixture).await;
    assert_eq!(first.repaired(Repair::PersonMissing), 1);
}

#[tokio::test]
async fn a_salon_keeps_its_name_and_its_role_when_it_has_conversations() {
    let fixture = Fixture::small().await;
    for run in ["first", "second"] {
        fixture.import().await;
        let nameless = fixture
            .lines(
                "SELECT here.id FROM messaging.participant AS here JOIN \"User\" AS legacy ON legacy.id = here.id
                 WHERE here.role <> legacy.role::text OR here.salon_name IS DISTINCT FROM legacy.\"salonName\"",
            )
            .await;
        assert_eq!(nameless, Vec::<String>::new(), "{run}");
    }
}

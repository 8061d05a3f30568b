//! Rows that break our rules.

use domain::import::Refusal;
use importer::{ImportedKind, LOST_FILE_TEXT, Repair};

use crate::fixture::{ANSWERS, Fixture};

#[tokio::test]
async fn what_breaks_our_rules_is_named_with_its_reason() {
    let fixture = Fixture::small().await;
    let (report, progress) = fixture.import().await;
    let mut named: Vec<_> = progress
        .refused
        .iter()
        .map(|it| (it.kind.as_str(), it.id.as_str(), it.reason.as_str()))
        .collect();
    named.sort_unstable();
    let salon = fixture.lines("SELECT 'c' || substr(md5('salon0'), 1, 24)").await.remove(0);
    let conversation =
        fixture.lines("SELECT 'c' || substr(md5('conversation1'), 1, 24)").await.remove(0);
    let (alone, stranger) = (
        format!("codd-alone000000000000000/{salon}"),
        format!("{conversation}/cadmin0000000000000000000"),
    );
    let mut expected = [
        ("person", "an?id?with?blanks", "invalid_id"),
        ("conversation", "an?odd?conversation", "invalid_id"),
        ("conversation", "codd-alone000000000000000", "sides_are_the_same"),
        ("conversation", "codd-blank-client00000000", "invalid_id"),
        ("message", "codd-m01", "author_takes_no_part"),
        ("message", "codd-m02", "says_nothing"),
        ("message", "codd-m09", "says_nothing"),
        ("message", "an?odd?message", "invalid_id"),
        ("file", "codd-f01", "url_not_allowed"),
        ("file", "codd-f02", "url_not_allowed"),
        ("file", "codd-f03", "type_not_allowed"),
        ("file", "codd-f04", "size_not_allowed"),
        ("file", "codd-f05", "url_not_allowed"),
        ("preference", "cgone00000000000000000000", "person_unknown"),
        ("mail", &alone, "conversation_refused"),
        ("mail", &stranger, "recipient_takes_no_part"),
    ];
    expected.sort_unstable();
    assert_eq!(named, expected);
    assert_eq!(report.refused(ImportedKind::File, Refusal::UrlNotAllowed), 3);
}

#[tokio::test]
async fn what_can_be_repaired_is_repaired_and_no_text_is_lost() {
    let fixture = Fixture::small().await;
    let (report, _) = fixture.import().await;
    let messages = fixture
        .lines(
            "SELECT id, char_length(content) AS length, replace(left(content, 30), chr(10), '/') AS text, attachment_count AS files
             FROM messaging.message WHERE conversation_id = 'codd-messages000000000000' ORDER BY seq",
        )
        .await;
    let row = |id: &str, length: usize, text: &str, files: usize| {
        format!("{id} | {text} | {files} | {length}")
    };
    let start = "très long très long très long ";
    let expected = [
        row("codd-m03", 10_000, start, 0),
        row("codd-m03-2", 10_000, start, 0),
        row("codd-m03-3", 5_000, start, 0),
        row("codd-m04", 11, "bip/été/bip", 0),
        row("codd-m05", LOST_FILE_TEXT.chars().count(), LOST_FILE_TEXT, 0),
        row("codd-m06", 11, "Sept photos", 5),
        row("codd-m06-2", 0, "", 2),
        row("codd-m07", 27, "Une bonne, quatre mauvaises", 1),
    ];
    assert_eq!(messages, expected);
    let whole = "SELECT count(*) FROM \"Message\" WHERE id = 'codd-m03' AND content = (
        SELECT string_agg(content, '' ORDER BY seq) FROM messaging.message WHERE id ~ '^codd-m03')";
    assert_eq!(fixture.number(whole).await, 1);
    for repair in [
        Repair::NameShortened,
        Repair::EmailDropped,
        Repair::PictureDropped,
        Repair::SubjectShortened,
        Repair::AppointmentDropped,
        Repair::LongTextSplit,
        Repair::ManyFilesSplit,
        Repair::LostFileNoted,
        Repair::FileNameMended,
        Repair::PersonMissing,
        Repair::FrequencyUnknown,
        Repair::MuteDropped,
        Repair::CounterOfStranger,
        Repair::ArchiveMarkDropped,
        Repair::LastMessageTimeCorrected,
    ] {
        assert!(report.repaired(repair) > 0, "{repair:?}");
    }
}

#[tokio::test]
async fn a_conversation_with_a_deleted_account_stays_readable() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let person = "SELECT id, role, coalesce(first_name, last_name, email) AS known
        FROM messaging.participant WHERE id = 'cgone00000000000000000000'";
    assert_eq!(fixture.lines(person).await, ["cgone00000000000000000000 | client | -"]);
    let contents = "SELECT content FROM messaging.message
        WHERE conversation_id = 'codd-orphan00000000000000' ORDER BY seq";
    assert_eq!(fixture.lines(contents).await, ["Je pars", "Au revoir"]);
}

#[tokio::test]
async fn an_impossible_date_or_row_is_named_and_the_import_goes_on() {
    let fixture = Fixture::small().await;
    fixture.client.batch_execute(include_str!("sql/impossible.sql")).await.expect(ANSWERS);
    let (report, progress) = fixture.import().await;
    let named =
        progress.refused.iter().map(|it| (it.kind.as_str(), it.id.as_str(), it.reason.as_str()));
    let mut named: Vec<_> = named.filter(|(_, id, _)| id.starts_with("cbad")).collect();
    named.sort_unstable();
    let expected = [
        ("conversation", "cbad-no-time", "impossible_date"),
        ("date", "cbad-far/lastMessageAt", "impossible_date"),
        ("date", "cbad-far/updatedAt", "impossible_date"),
        ("date", "cbad-m-fine/readAt", "impossible_date"),
        ("date", "cbad-opened/createdAt", "impossible_date"),
        ("date", "cbad-opened/cbad-client", "impossible_date"),
        ("mail", "cbad-far/cbad-client", "impossible_date"),
        ("message", "cbad-m-far", "impossible_date"),
        ("message", "cbad-m-infinite", "impossible_date"),
        ("message", "cbad-m-nothing", "says_nothing"),
        ("message", "cbad-m-past", "impossible_date"),
    ];
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(named, expected);
    assert_eq!(report.refused(ImportedKind::Date, Refusal::ImpossibleDate), 5);
    let here = fixture
        .lines(
            "SELECT id AS a, created_at::date AS b, updated_at::date AS c, last_message_at::date AS d, message_count AS e
             FROM messaging.conversation WHERE id LIKE 'cbad%' ORDER BY id",
        )
        .await;
    assert_eq!(
        here,
        [
            "cbad-far | 2025-03-01 | 2025-03-01 | 2025-03-01 | 0",
            "cbad-opened | 2025-03-02 | 2025-03-02 | 2025-03-02 | 1",
        ]
    );
    let since = "SELECT since::date FROM messaging.pending_mail WHERE conversation_id LIKE 'cbad%'";
    assert_eq!(fixture.lines(since).await, ["2025-03-02"]);
}

#[tokio::test]
async fn of_two_rows_that_want_the_same_id_one_is_taken_and_the_other_named() {
    let fixture = Fixture::small().await;
    fixture.client.batch_execute(include_str!("sql/same_ids.sql")).await.expect(ANSWERS);
    let (_, progress) = fixture.import().await;
    let named =
        progress.refused.iter().map(|it| (it.kind.as_str(), it.id.as_str(), it.reason.as_str()));
    let named: Vec<_> = named.filter(|(_, id, _)| id.starts_with("csame")).collect();
    assert_eq!(named, [("conversation", "csame-b", "message_id_taken")]);
    let conversations =
        "SELECT DISTINCT conversation_id::text FROM messaging.message WHERE id LIKE 'csame-long%'";
    assert_eq!(fixture.lines(conversations).await, ["csame-a"]);
}

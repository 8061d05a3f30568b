//! A second import.

use importer::ImportedKind;
use importer::Outcome;

use crate::fixture::{ANSWERS, Fixture};

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let fixture = Fixture::small().await;
    let (first, _) = fixture.import().await;
    let before = fixture.digest().await;
    fixture.clock.advance_millis(60_000);
    let (second, _) = fixture.import().await;
    assert_eq!(fixture.digest().await, before);
    for kind in ImportedKind::ALL {
        assert_eq!(second.count(*kind, Outcome::New), 0, "{kind:?}");
        assert_eq!(second.count(*kind, Outcome::Updated), 0, "{kind:?}");
        assert_eq!(second.count(*kind, Outcome::Unchanged), first.count(*kind, Outcome::New));
        assert_eq!(second.refused_total(*kind), first.refused_total(*kind), "{kind:?}");
    }
}

#[tokio::test]
async fn mail_that_was_sent_here_does_not_come_back() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let sent = fixture.client.execute("DELETE FROM messaging.pending_mail", &[]).await;
    assert!(sent.expect(ANSWERS) > 0);
    fixture.import().await;
    assert_eq!(fixture.number("SELECT count(*) FROM messaging.pending_mail").await, 0);
}

#[tokio::test]
async fn who_was_forgotten_does_not_come_back() {
    let fixture = Fixture::small().await;
    let forget = "INSERT INTO messaging.erasure (person_id, requested_at)
        SELECT \"clientUserId\", now() FROM \"Conversation\" WHERE id ~ '^c[0-9a-f]{24}$' ORDER BY id LIMIT 1
        RETURNING person_id::text";
    let row = fixture.client.query_one(forget, &[]).await.expect(ANSWERS);
    let person: String = row.get(0);
    let (_, progress) = fixture.import().await;
    assert!(
        progress
            .refused
            .iter()
            .any(|it| it.id == person && it.reason.as_str() == "person_forgotten")
    );
    let left = format!(
        "SELECT (SELECT count(*) FROM messaging.participant WHERE id = '{person}')
            + (SELECT count(*) FROM messaging.conversation WHERE client_id = '{person}')"
    );
    assert_eq!(fixture.number(&left).await, 0);
}

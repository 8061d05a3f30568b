//! The legacy database changes after an import, or ours does.

use std::sync::Arc;

use domain::{
    conversation::{Parties, store::ConversationStore},
    ids::{ConversationId, UserId},
    import::Refusal,
    mail::{
        preferences::{Frequency, PreferenceChange},
        store::PreferenceStore,
    },
    participant::{Participant, Profile, Role, store::ParticipantStore},
    ports::Clock,
    store::Store,
    testing::{
        commands::Commands,
        fixture::{Service, text},
    },
};
use importer::{ImportedKind, Outcome};

use crate::{
    fixture::{ANSWERS, Fixture},
    row_by_row::compare,
};

/// The conversation that gets a message from `change_source`.
async fn first(fixture: &Fixture) -> (ConversationId, Parties) {
    let sql = "SELECT min(id COLLATE \"C\") FROM \"Conversation\" WHERE id ~ '^c[0-9a-f]{24}$'
        AND EXISTS (SELECT FROM \"Message\" WHERE \"conversationId\" = \"Conversation\".id)";
    let id = ConversationId::parse(&fixture.lines(sql).await[0]).expect("a good id");
    let sql = format!("SELECT salon_id FROM messaging.conversation WHERE id = '{id}'");
    let salon = UserId::parse(&fixture.lines(&sql).await[0]).expect("a good id");
    let parties = fixture.store.parties(&id, &salon).await.expect(ANSWERS).expect("it is here");
    (id, parties)
}

#[tokio::test]
async fn what_changed_there_is_brought_up_to_date() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    fixture.change_source().await;
    let (report, _) = fixture.import().await;
    compare(&fixture).await;
    assert_eq!(report.count(ImportedKind::Conversation, Outcome::Updated), 4);
    assert_eq!(report.count(ImportedKind::Conversation, Outcome::New), 0);
    assert_eq!(report.count(ImportedKind::Person, Outcome::Updated), 1);
}

#[tokio::test]
async fn what_changed_here_is_left_alone_and_reported() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let (id, parties) = first(&fixture).await;
    let store: Arc<dyn Store> = fixture.store.clone();
    let service = Service::over(store);
    let client = fixture.store.participant(&parties.client).await.expect(ANSWERS).expect("known");
    assert_eq!(client.role, Role::Client);
    let sent = service.messaging.send_message(&id, &client.id, text("Déjà ici")).await;
    sent.expect("the client takes part");

    fixture.change_source().await;
    let (report, progress) = fixture.import().await;
    assert_eq!(report.count(ImportedKind::Conversation, Outcome::Updated), 3);
    let reason = progress.refused.iter().find(|it| it.id == id.as_str()).map(|it| it.reason);
    assert_eq!(reason, Some(Refusal::WentOnHere));
    let newest = format!(
        "SELECT content FROM messaging.message WHERE conversation_id = '{id}' ORDER BY seq DESC LIMIT 1"
    );
    assert_eq!(fixture.lines(&newest).await, ["Déjà ici"]);
}

#[tokio::test]
async fn what_was_deleted_here_does_not_come_back() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let (id, parties) = first(&fixture).await;
    let now = fixture.clock.now();
    let deleted = fixture.store.delete_conversation(&id, &parties.salon, now).await;
    assert!(deleted.expect(ANSWERS).is_some());
    fixture.change_source().await;
    let (_, progress) = fixture.import().await;
    let reason = progress.refused.iter().find(|it| it.id == id.as_str()).map(|it| it.reason);
    assert_eq!(reason, Some(Refusal::DeletedHere));
    let left = format!(
        "SELECT count(*) FROM messaging.message WHERE conversation_id = '{id}' AND content <> ''"
    );
    assert_eq!(fixture.number(&left).await, 0);
}

#[tokio::test]
async fn a_booking_that_has_a_conversation_here_keeps_it() {
    let fixture = Fixture::small().await;
    let existing = "INSERT INTO messaging.participant (id, role, created_at, updated_at)
            SELECT id, role, now(), now() FROM \"User\" WHERE id ~ '^c[0-9a-f]{24}$';
        INSERT INTO messaging.conversation (id, salon_id, client_id, appointment_id, status, created_at,
            updated_at, last_message_at, last_seq)
        SELECT 'ours', \"salonId\", \"clientUserId\", \"appointmentId\", 'ACTIVE', now(), now(), now(), 1
        FROM \"Conversation\" WHERE \"appointmentId\" ~ '^c[0-9a-f]{24}$' ORDER BY id LIMIT 1";
    fixture.client.batch_execute(existing).await.expect(ANSWERS);
    let (report, _) = fixture.import().await;
    assert_eq!(report.refused(ImportedKind::Conversation, Refusal::AppointmentTaken), 1);
    assert!(report.refused(ImportedKind::Message, Refusal::ConversationRefused) > 0);
}

/// The participants, a line each: id, role, given name, family name, salon's name, language.
async fn directory(fixture: &Fixture) -> Vec<String> {
    fixture
        .lines(
            "SELECT id AS a, role AS b, first_name AS c, last_name AS d, salon_name AS e, language AS f
             FROM messaging.participant ORDER BY id",
        )
        .await
}

/// The salon with this id, as the platform reports it.
fn reported(id: &str) -> Participant {
    let some = |text: &str| Some(text.to_owned());
    let profile = Profile {
        first_name: some("Told"),
        last_name: some("Later"),
        salon_name: some("Encre Claire"),
        language: domain::participant::Language::of_locale("en"),
        ..Profile::default()
    };
    let id = UserId::parse(id).expect("a good id");
    Participant::new(id, Role::Artist, profile)
}

#[tokio::test]
async fn what_the_platform_reported_later_is_kept_whatever_changes_there() {
    let fixture = Fixture::small().await;
    // One participant is reported before the import, one after.
    let salons = "SELECT id FROM \"User\" WHERE \"salonName\" IS NOT NULL AND role = 'user'
        AND id ~ '^c[0-9a-f]{24}$' ORDER BY id COLLATE \"C\" LIMIT 1";
    let salon = fixture.lines(salons).await.remove(0);
    let (before, after) = (
        fixture
            .lines("SELECT min(id) FROM \"User\" WHERE role = 'client' AND id ~ '^c[0-9a-f]{24}$'")
            .await
            .remove(0),
        salon,
    );
    let put = async |id: &str| {
        fixture.clock.advance_millis(1_000);
        let put = fixture.store.put_participants(&[reported(id)], fixture.clock.now()).await;
        assert_eq!(put.expect(ANSWERS), []);
        fixture.clock.advance_millis(1_000);
    };
    put(&before).await;
    fixture.import().await;
    put(&after).await;
    let as_reported = directory(&fixture).await;
    for id in [&before, &after] {
        let line = format!("{id} | user_tatoueur | Told | Later | Encre Claire | en");
        assert!(as_reported.contains(&line), "{line}");
    }

    for round in 0..2 {
        let change = format!(
            "UPDATE \"User\" SET \"firstName\" = 'Old{round}', \"salonName\" = 'Old', role = 'client', image = 'https://old.example/'
             WHERE id IN ('{before}', '{after}')"
        );
        assert_eq!(fixture.client.execute(&change, &[]).await.expect(ANSWERS), 2);
        fixture.clock.advance_millis(1_000);
        fixture.import().await;
        assert_eq!(directory(&fixture).await, as_reported, "round {round}");
    }
    // A field that the platform did not report is imported.
    let images = fixture
        .number("SELECT count(*) FROM messaging.participant WHERE image = 'https://old.example/'")
        .await;
    assert_eq!(images, 2);
}

#[tokio::test]
async fn who_has_no_account_any_more_keeps_the_name_that_was_reported_here() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let gone = "cgone00000000000000000000";
    fixture.clock.advance_millis(1_000);
    fixture.store.put_participants(&[reported(gone)], fixture.clock.now()).await.expect(ANSWERS);
    let as_reported = directory(&fixture).await;
    // The deleted account is on the salon side of another conversation too, where its imported role would differ.
    let both = "INSERT INTO \"Conversation\" (id, \"salonId\", \"clientUserId\", \"updatedAt\", \"lastMessageAt\")
        SELECT 'zlast', 'cgone00000000000000000000', \"clientUserId\", now(), now() FROM \"Conversation\"
        WHERE id = 'codd-silent00000000000000'";
    fixture
        .client
        .batch_execute(&format!("SET session_replication_role = replica; {both}"))
        .await
        .expect(ANSWERS);
    fixture.clock.advance_millis(1_000);
    fixture.import().await;
    assert_eq!(directory(&fixture).await, as_reported);
}

#[tokio::test]
async fn preferences_that_a_person_changed_later_are_kept() {
    let fixture = Fixture::small().await;
    fixture.import().await;
    let person =
        fixture.lines("SELECT min(person_id) FROM messaging.preference WHERE mail_enabled").await;
    let person = UserId::parse(&person[0]).expect("a good id");
    fixture.clock.advance_millis(1_000);
    let change =
        PreferenceChange { frequency: Some(Frequency::Never), ..PreferenceChange::default() };
    let changed = fixture.store.change_preferences(&person, &change, fixture.clock.now()).await;
    assert_eq!(changed.expect(ANSWERS).expect("known").frequency, Frequency::Never);
    let change = format!(
        "UPDATE \"NotificationPreference\" SET \"emailFrequency\" = 'HOURLY', \"mutedConversations\" = NULL
         WHERE \"userId\" = '{person}'"
    );
    assert_eq!(fixture.client.execute(&change, &[]).await.expect(ANSWERS), 1);
    let before = fixture.digest().await;
    fixture.clock.advance_millis(1_000);
    let (report, _) = fixture.import().await;
    assert_eq!(fixture.digest().await, before);
    assert_eq!(report.count(ImportedKind::Preference, Outcome::Updated), 0);
}

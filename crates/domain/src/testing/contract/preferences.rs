//! Mail preferences.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, TestConversation};
use crate::{
    ids::{ConversationId, UserId},
    mail::{
        preferences::{Frequency, MUTED_MAX, PreferenceChange, Preferences, QuietHours},
        store::Muting,
    },
    store::Store,
    testing::{
        commands::OpenConversation,
        fixture::{client, user},
    },
    time::Zone,
};

async fn preferences(fixture: &Fixture<'_>, of: &UserId) -> Preferences {
    let found = fixture.store.preferences(of, fixture.now()).await.expect(ANSWERS);
    found.expect("the directory knows them")
}

async fn change(fixture: &Fixture<'_>, of: &UserId, change: &PreferenceChange) -> Preferences {
    let changed = fixture.store.change_preferences(of, change, fixture.now()).await.expect(ANSWERS);
    changed.expect("the directory knows them")
}

async fn mute(fixture: &Fixture<'_>, by: &UserId, conversation: &ConversationId) -> Muting {
    fixture.store.mute(by, conversation, fixture.now()).await.expect(ANSWERS)
}

async fn unmute(conversation: &TestConversation<'_>, by: &UserId) {
    conversation
        .fixture
        .store
        .unmute(by, &conversation.id, conversation.fixture.now())
        .await
        .expect(ANSWERS);
}

/// The defaults apply until somebody changes them, and are stored on the first read.
pub async fn the_usual_is_wanted_until_somebody_says_otherwise(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    let known = user("c1");
    let asked = join_all((0..10).map(|_| preferences(&fixture, &known))).await;
    let first = preferences(&fixture, &known).await;
    assert_eq!(first, Preferences::usual(known.clone(), first.created_at));
    assert!(asked.iter().all(|one| *one == first), "{asked:?}");
    assert_eq!(store.preferences(&user("nobody"), fixture.now()).await.expect(ANSWERS), None);
    let never =
        PreferenceChange { frequency: Some(Frequency::Never), ..PreferenceChange::default() };
    let changed = store.change_preferences(&user("nobody"), &never, fixture.now()).await;
    assert_eq!(changed.expect(ANSWERS), None);
}

/// A change affects only the values it names.
pub async fn a_change_of_preferences_leaves_the_rest(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let (who, paris) = (&conversation.client, Zone::default());
    let usual = preferences(&fixture, who).await;
    mute(&fixture, who, &conversation.id).await;
    let night = QuietHours::new(22 * 60, 7 * 60).ok();
    let quiet = PreferenceChange {
        quiet_hours: Some(night),
        zone: Some(Some(paris.clone())),
        ..PreferenceChange::default()
    };
    let changed = change(&fixture, who, &quiet).await;
    assert_eq!((changed.quiet_hours, &changed.zone), (night, &Some(paris)));
    assert!(changed.updated_at > usual.updated_at && changed.created_at == usual.created_at);
    let daily = PreferenceChange {
        frequency: Some(Frequency::Daily),
        mail_enabled: Some(false),
        ..PreferenceChange::default()
    };
    let both = change(&fixture, who, &daily).await;
    assert_eq!((both.frequency, both.mail_enabled), (Frequency::Daily, false));
    assert_eq!((both.quiet_hours, &both.zone), (night, &changed.zone));
    assert_eq!(both.muted, std::slice::from_ref(&conversation.id));
    let loud = PreferenceChange {
        quiet_hours: Some(None),
        zone: Some(None),
        ..PreferenceChange::default()
    };
    let back = change(&fixture, who, &loud).await;
    assert_eq!((back.quiet_hours, &back.zone, back.frequency), (None, &None, Frequency::Daily));
    assert_eq!(preferences(&fixture, who).await, back);
}

/// Concurrent changes of different values are all applied, read before or not.
pub async fn concurrent_changes_of_preferences_are_all_applied(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&client("c1")).await;
    let known = user("c1");
    let changes = [
        PreferenceChange { mail_enabled: Some(false), ..PreferenceChange::default() },
        PreferenceChange { frequency: Some(Frequency::Hourly), ..PreferenceChange::default() },
        PreferenceChange { zone: Some(Zone::parse("UTC").ok()), ..PreferenceChange::default() },
    ];
    join_all(changes.iter().map(|one| change(&fixture, &known, one))).await;
    let after = preferences(&fixture, &known).await;
    assert_eq!((after.mail_enabled, after.frequency), (false, Frequency::Hourly));
    assert_eq!(after.zone, Zone::parse("UTC").ok());
}

/// Each side mutes a conversation for itself, and can unmute it.
pub async fn a_conversation_is_muted_and_unmuted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s2", "c1").await);
    for conversation in [&other, &one, &other] {
        assert_eq!(mute(&fixture, &conversation.client, &conversation.id).await, Muting::Muted);
    }
    assert_eq!(preferences(&fixture, &one.client).await.muted, [other.id.clone(), one.id.clone()]);
    assert_eq!(preferences(&fixture, &one.salon).await.muted, []);
    for _ in 0..2 {
        unmute(&other, &other.client).await;
        assert_eq!(preferences(&fixture, &one.client).await.muted, std::slice::from_ref(&one.id));
    }
}

/// Only own conversations can be muted, and nobody learns whether others exist.
pub async fn only_one_s_own_conversations_are_muted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let elsewhere = fixture.conversation("s1", "c2").await;
    elsewhere.delete_conversation().await;
    let nothing = ConversationId::parse("nothing").expect("a good id");
    let stranger = user("c2");
    for (who, what) in
        [(&stranger, &conversation.id), (&stranger, &nothing), (&stranger, &elsewhere.id)]
    {
        assert_eq!(mute(&fixture, who, what).await, Muting::UnknownConversation);
    }
    assert_eq!(preferences(&fixture, &stranger).await.muted, []);
    unmute(&conversation, &stranger).await;
}

/// Concurrent mutings are all stored.
pub async fn of_twenty_mutings_at_once_none_is_lost(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut conversations = vec![];
    for _ in 0..20 {
        conversations.push(fixture.conversation("s1", "c1").await);
    }
    join_all(
        conversations
            .iter()
            .map(|conversation| mute(&fixture, &conversation.client, &conversation.id)),
    )
    .await;
    let mut muted = preferences(&fixture, &user("c1")).await.muted;
    muted.sort();
    let mut expected: Vec<_> =
        conversations.iter().map(|conversation| conversation.id.clone()).collect();
    expected.sort();
    assert_eq!(muted, expected);
}

/// The number of muted conversations is bounded, and existing ones stay.
pub async fn no_more_than_a_thousand_are_muted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let plan = fixture.plan("s1", "c1").await;
    let who = plan.parties.client.clone();
    let begin = async || {
        let plan = OpenConversation { id: fixture.new_id(), ..plan.clone() };
        let (conversation, _) = fixture.open(&plan).await;
        (mute(&fixture, &who, &conversation.id).await, conversation.id.clone())
    };
    let (_, first) = begin().await;
    for _ in 0..(MUTED_MAX - 1) / 27 {
        let muted = join_all((0..27).map(|_| begin())).await;
        assert!(muted.iter().all(|(muting, _)| *muting == Muting::Muted), "{muted:?}");
    }
    assert_eq!(preferences(&fixture, &who).await.muted.len(), MUTED_MAX);
    assert_eq!(begin().await.0, Muting::TooMany);
    assert_eq!(mute(&fixture, &who, &first).await, Muting::Muted, "it is muted already");
    store.unmute(&who, &first, fixture.now()).await.expect(ANSWERS);
    assert_eq!(begin().await.0, Muting::Muted);
}

/// Deleting a conversation removes its muting.
pub async fn a_deleted_conversation_is_no_longer_muted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (gone, stays) =
        (fixture.conversation("s1", "c1").await, fixture.conversation("s1", "c1").await);
    for conversation in [&gone, &stays] {
        assert_eq!(mute(&fixture, &conversation.client, &conversation.id).await, Muting::Muted);
    }
    gone.delete_conversation().await;
    assert_eq!(preferences(&fixture, &stays.client).await.muted, std::slice::from_ref(&stays.id));
}

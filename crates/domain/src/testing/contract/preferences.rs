//! What people want to hear of by mail.

use futures_util::future::join_all;

use super::setup::{ANSWERS, Fixture, Talk};
use crate::{
    conversation::store::OpenConversation,
    ids::{ConversationId, UserId},
    mail::{
        preferences::{Frequency, MUTED_MAX, PreferenceChange, Preferences, QuietHours},
        store::Muting,
    },
    store::Store,
    testing::fixture::{client, user},
    time::Zone,
};

async fn wishes(fixture: &Fixture<'_>, of: &UserId) -> Preferences {
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

async fn unmute(talk: &Talk<'_>, by: &UserId) {
    talk.fixture.store.unmute(by, &talk.id, talk.fixture.now()).await.expect(ANSWERS);
}

/// Who says nothing wants the usual, and it is noted once that they were asked.
pub async fn the_usual_is_wanted_until_somebody_says_otherwise(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.note(&client("c1")).await;
    let known = user("c1");
    let asked = join_all((0..10).map(|_| wishes(&fixture, &known))).await;
    let first = wishes(&fixture, &known).await;
    assert_eq!(first, Preferences::usual(known.clone(), first.created_at));
    assert!(asked.iter().all(|one| *one == first), "{asked:?}");
    assert_eq!(store.preferences(&user("nobody"), fixture.now()).await.expect(ANSWERS), None);
    let never =
        PreferenceChange { frequency: Some(Frequency::Never), ..PreferenceChange::default() };
    let changed = store.change_preferences(&user("nobody"), &never, fixture.now()).await;
    assert_eq!(changed.expect(ANSWERS), None);
}

/// A change is made to what it names, and to nothing else.
pub async fn a_change_of_wishes_leaves_the_rest(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let (who, paris) = (&talk.client, Zone::default());
    let usual = wishes(&fixture, who).await;
    mute(&fixture, who, &talk.id).await;
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
    assert_eq!(both.muted, std::slice::from_ref(&talk.id));
    let loud = PreferenceChange {
        quiet_hours: Some(None),
        zone: Some(None),
        ..PreferenceChange::default()
    };
    let back = change(&fixture, who, &loud).await;
    assert_eq!((back.quiet_hours, &back.zone, back.frequency), (None, &None, Frequency::Daily));
    assert_eq!(wishes(&fixture, who).await, back);
}

/// Two changes of different things at the same moment are both made, asked for before or not.
pub async fn changes_of_wishes_at_once_are_all_made(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.note(&client("c1")).await;
    let known = user("c1");
    let changes = [
        PreferenceChange { mail_enabled: Some(false), ..PreferenceChange::default() },
        PreferenceChange { frequency: Some(Frequency::Hourly), ..PreferenceChange::default() },
        PreferenceChange { zone: Some(Zone::parse("UTC").ok()), ..PreferenceChange::default() },
    ];
    join_all(changes.iter().map(|one| change(&fixture, &known, one))).await;
    let after = wishes(&fixture, &known).await;
    assert_eq!((after.mail_enabled, after.frequency), (false, Frequency::Hourly));
    assert_eq!(after.zone, Zone::parse("UTC").ok());
}

/// A conversation is muted by each side for itself, and heard of again when that is taken back.
pub async fn a_conversation_is_muted_and_heard_of_again(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (one, other) = (fixture.talk("s1", "c1").await, fixture.talk("s2", "c1").await);
    for talk in [&other, &one, &other] {
        assert_eq!(mute(&fixture, &talk.client, &talk.id).await, Muting::Muted);
    }
    assert_eq!(wishes(&fixture, &one.client).await.muted, [other.id.clone(), one.id.clone()]);
    assert_eq!(wishes(&fixture, &one.salon).await.muted, []);
    for _ in 0..2 {
        unmute(&other, &other.client).await;
        assert_eq!(wishes(&fixture, &one.client).await.muted, std::slice::from_ref(&one.id));
    }
}

/// What is not one's own cannot be muted, and nobody learns whether it is there.
pub async fn only_one_s_own_conversations_are_muted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let talk = fixture.talk("s1", "c1").await;
    let elsewhere = fixture.talk("s1", "c2").await;
    elsewhere.end().await;
    let nothing = ConversationId::parse("nothing").expect("a good id");
    let stranger = user("c2");
    for (who, what) in [(&stranger, &talk.id), (&stranger, &nothing), (&stranger, &elsewhere.id)] {
        assert_eq!(mute(&fixture, who, what).await, Muting::UnknownConversation);
    }
    assert_eq!(wishes(&fixture, &stranger).await.muted, []);
    unmute(&talk, &stranger).await;
}

/// Mutings at the same moment are all kept.
pub async fn of_twenty_mutings_at_once_none_is_lost(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut talks = vec![];
    for _ in 0..20 {
        talks.push(fixture.talk("s1", "c1").await);
    }
    join_all(talks.iter().map(|talk| mute(&fixture, &talk.client, &talk.id))).await;
    let mut muted = wishes(&fixture, &user("c1")).await.muted;
    muted.sort();
    let mut expected: Vec<_> = talks.iter().map(|talk| talk.id.clone()).collect();
    expected.sort();
    assert_eq!(muted, expected);
}

/// There is an end to muting, and what is muted stays so.
pub async fn no_more_than_a_thousand_are_muted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let plan = fixture.plan("s1", "c1").await;
    let who = plan.parties.client.clone();
    let begin = async || {
        let plan = OpenConversation { id: fixture.mint(), ..plan.clone() };
        let (talk, _) = fixture.open(&plan).await;
        (mute(&fixture, &who, &talk.id).await, talk.id.clone())
    };
    let (_, first) = begin().await;
    for _ in 0..(MUTED_MAX - 1) / 27 {
        let muted = join_all((0..27).map(|_| begin())).await;
        assert!(muted.iter().all(|(muting, _)| *muting == Muting::Muted), "{muted:?}");
    }
    assert_eq!(wishes(&fixture, &who).await.muted.len(), MUTED_MAX);
    assert_eq!(begin().await.0, Muting::TooMany);
    assert_eq!(mute(&fixture, &who, &first).await, Muting::Muted, "it is muted already");
    store.unmute(&who, &first, fixture.now()).await.expect(ANSWERS);
    assert_eq!(begin().await.0, Muting::Muted);
}

/// Nothing is left of a muting when its conversation was taken away.
pub async fn what_was_taken_away_is_muted_no_more(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let (gone, stays) = (fixture.talk("s1", "c1").await, fixture.talk("s1", "c1").await);
    for talk in [&gone, &stays] {
        assert_eq!(mute(&fixture, &talk.client, &talk.id).await, Muting::Muted);
    }
    gone.end().await;
    assert_eq!(wishes(&fixture, &stays.client).await.muted, std::slice::from_ref(&stays.id));
}

//! The directory.

use super::setup::{ANSWERS, Fixture};
use crate::{
    participant::{Language, Participant, Profile, Role},
    store::Store,
    testing::fixture::{client, salon, user},
    time::Zone,
};

/// A person is returned as stored, in every detail.
pub async fn a_person_is_found_as_they_were_noted(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let some = |text: &str| Some(text.to_owned());
    let profile = Profile {
        first_name: some("Léa"),
        last_name: some("Roux"),
        salon_name: some("Encre Noire"),
        image: some("https://example.test/lea.webp"),
        email: some("lea@example.test"),
        language: Some(Language::English),
        zone: Zone::parse("America/Cayenne").ok(),
    };
    let lea = Participant::new(user("s1"), Role::Artist, profile);
    let bare = Participant::new(user("c1"), Role::Other, Profile::default());
    for person in [&lea, &bare] {
        fixture.add_participant(person).await;
        let found = store.participant(&person.id).await.expect(ANSWERS);
        assert!(found.as_ref() == Some(person), "{person:?} was found as {found:?}");
    }
}

/// An unknown person is not found.
pub async fn a_person_nobody_noted_is_not_found(store: &dyn Store) {
    Fixture::new(store).add_participant(&client("c1")).await;
    assert_eq!(store.participant(&user("c2")).await.expect(ANSWERS), None);
    assert_eq!(store.participant(&user("C1")).await.expect(ANSWERS), None);
}

/// The role is replaced, given details are replaced, missing details stay.
pub async fn newer_details_replace_older_ones_and_the_rest_stays(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut older = salon("s1");
    older.profile.first_name = Some("Léa".to_owned());
    older.profile.email = Some("lea@example.test".to_owned());
    let news = Profile {
        image: Some("https://example.test/new.webp".to_owned()),
        salon_name: Some("Encre Bleue".to_owned()),
        ..Profile::default()
    };
    fixture.add_participant(&older).await;
    fixture
        .add_participant(&Participant {
            role: Role::Artist,
            profile: news.clone(),
            ..older.clone()
        })
        .await;

    let found = store.participant(&older.id).await.expect(ANSWERS).expect("was noted");
    assert_eq!(found.role, Role::Artist);
    assert!(found.profile == older.profile.updated_with(&news), "details were lost");
}

/// A put replaces entries completely; of two entries of one person the last is used.
pub async fn what_is_put_replaces_what_was_known(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.add_participant(&salon("s1")).await;
    let bare = Participant::new(user("s1"), Role::Artist, Profile::default());
    let older = Participant { role: Role::Other, ..client("c1") };
    let people = [bare.clone(), older, client("c1")];
    let refused = store.put_participants(&people, fixture.now()).await.expect(ANSWERS);
    assert_eq!(refused, []);
    for person in [bare, client("c1")] {
        let found = store.participant(&person.id).await.expect(ANSWERS);
        assert!(found.as_ref() == Some(&person), "{person:?} was found as {found:?}");
    }
    assert_eq!(store.put_participants(&[], fixture.now()).await.expect(ANSWERS), []);
}

/// Conversations and messages show people by their current entry.
pub async fn a_new_name_shows_everywhere_at_once(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let conversation = fixture.conversation("s1", "c1").await;
    let message = conversation.send_text(&conversation.salon, "Bonjour").await;
    let mut renamed = salon("s1");
    renamed.profile.salon_name = Some("Encre Bleue".to_owned());
    fixture.add_participant(&renamed).await;

    assert_eq!(conversation.view(&conversation.client).await.salon.display_name(), "Encre Bleue");
    assert_eq!(conversation.reload(&message).await.author.display_name(), "Encre Bleue");
    let waiting = fixture.unread_conversations(&conversation.client, 10).await;
    assert_eq!(waiting[0].salon.display_name(), "Encre Bleue");
}

/// Everyone one shares a conversation with is a partner, once, on either side.
pub async fn partners_are_those_one_shares_a_conversation_with(store: &dyn Store) {
    let fixture = Fixture::new(store);
    fixture.conversation("s1", "c1").await;
    fixture.conversation("s1", "c2").await.archive().await;
    fixture.conversation("s1", "c1").await;
    fixture.conversation("s2", "s1").await;
    fixture.conversation("s2", "c3").await;
    let gone = fixture.conversation("s1", "c4").await;
    gone.delete_conversation().await;

    let of = async |who: &str| {
        let found = store
            .participant_with_partners(&user(who), 100)
            .await
            .expect(ANSWERS)
            .expect("is noted");
        let mut partners = found.partners;
        partners.sort();
        (found.person.id, partners)
    };
    assert_eq!(of("s1").await, (user("s1"), ["c1", "c2", "s2"].map(user).to_vec()));
    assert_eq!(of("c1").await, (user("c1"), vec![user("s1")]));
    assert_eq!(of("c4").await, (user("c4"), vec![]));
    let nobody = store.participant_with_partners(&user("nobody"), 100).await.expect(ANSWERS);
    assert_eq!(nobody, None);
}

/// With too many partners, those of the newest messages are returned.
pub async fn the_partners_of_the_newest_messages_are_named_first(store: &dyn Store) {
    let fixture = Fixture::new(store);
    let mut conversations = vec![];
    for client in ["c1", "c2", "c3"] {
        conversations.push(fixture.conversation("s1", client).await);
    }
    conversations[0].send_text(&conversations[0].client, "Encore moi").await;
    let found =
        store.participant_with_partners(&user("s1"), 2).await.expect(ANSWERS).expect("is noted");
    assert_eq!(found.partners, ["c1", "c3"].map(user));
    assert!(found.person == salon("s1"), "the person was not found as noted");
}

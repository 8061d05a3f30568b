use std::sync::Arc;

use crate::{
    mail::service::*,
    testing::{
        MemoryStore,
        fixture::{Service, user},
    },
};

#[tokio::test]
async fn an_unknown_person_has_no_preferences() {
    let preferences = Service::over(Arc::new(MemoryStore::new())).services.preferences;
    let nobody = user("nobody");
    let asked = preferences.preferences(&nobody).await;
    assert!(matches!(asked, Err(PreferencesError::UnknownPerson)), "{asked:?}");
    let changed = preferences.change_preferences(&nobody, &PreferenceChange::default()).await;
    assert!(matches!(changed, Err(PreferencesError::UnknownPerson)), "{changed:?}");
    preferences.unsubscribe(&nobody).await.expect("there is nobody to write to");
}

#[tokio::test]
async fn an_unsubscribed_person_gets_mail_never_and_may_change_their_mind() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    service.open("s1", "c1").await;
    let (preferences, person) = (service.services.preferences, user("c1"));
    for _ in 0..2 {
        preferences.unsubscribe(&person).await.expect("the store works");
        let wanted = preferences.preferences(&person).await.expect("the client is known");
        assert_eq!((wanted.frequency, wanted.mail_enabled), (Frequency::Never, true));
    }
    let daily = PreferenceChange { frequency: Some(Frequency::Daily), ..Default::default() };
    let wanted =
        preferences.change_preferences(&person, &daily).await.expect("the client is known");
    assert!(wanted.wants_mail());
}

#[tokio::test]
async fn a_stranger_s_conversation_is_an_unknown_one() {
    let service = Service::over(Arc::new(MemoryStore::new()));
    let id = service.open("s1", "c1").await;
    service.open("s1", "c2").await;
    let preferences = service.services.preferences;
    let muted = preferences.mute(&user("c2"), &id).await;
    assert!(matches!(muted, Err(MuteError::UnknownConversation)), "{muted:?}");
    preferences.unmute(&user("c2"), &id).await.expect("there is nothing to take back");
    preferences.mute(&user("c1"), &id).await.expect("it is theirs");
    let wanted = preferences.preferences(&user("c1")).await.expect("the client is known");
    assert_eq!(wanted.muted, [id]);
}

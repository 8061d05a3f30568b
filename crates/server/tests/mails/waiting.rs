//! Who is told, and who is not.

use serde_json::json;
use testkit::{
    Fault,
    fault::same,
    smtp::{all_settled, an_hour_passes},
};

use crate::{AT_ONCE, SITE, Scene};

#[tokio::test]
async fn three_messages_that_wait_are_one_mail() -> Result<(), Fault> {
    let mut scene = Scene::set(&[]).await?;
    let guest = scene.guest("client-1").await?;
    for words in ["Bonjour Camille", "Votre croquis", "A mardi"] {
        scene.tell(&guest, words).await?;
    }
    an_hour_passes(&scene.stage.database).await?;
    let mail = scene.post.mail_to(&guest.address).await?;
    same("subject", mail.header("Subject").as_str(), "3 nouveaux messages de Encre Noire")?;
    for words in ["Bonjour Camille", "Votre croquis", "A mardi"] {
        assert!(mail.says(words), "{words}: {mail:?}");
    }
    assert!(mail.says(&format!("{SITE}/messagerie/{}", guest.conversation)), "{mail:?}");

    all_settled(&scene.stage.database).await?;
    same("further mails", scene.post.arrived()?, vec![])
}

#[tokio::test]
async fn who_read_in_time_gets_no_mail() -> Result<(), Fault> {
    let mut scene = Scene::set(&[]).await?;
    let (quick, slow) = (scene.guest("client-1").await?, scene.guest("client-2").await?);
    for guest in [&quick, &slow] {
        scene.tell(guest, "Bonjour").await?;
    }
    let path = format!("/messaging/conversations/{}/mark-read", quick.conversation);
    quick.rest.call("PATCH", &path, None).await?.expect(204)?;
    an_hour_passes(&scene.stage.database).await?;
    scene.post.mail_to(&slow.address).await?;
    all_settled(&scene.stage.database).await?;
    same("further mails", scene.post.arrived()?, vec![])
}

#[tokio::test]
async fn who_wants_no_mail_gets_none() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let never = scene.guest("client-1").await?;
    let muted = scene.guest("client-2").await?;
    let disabled = scene.guest("client-3").await?;
    let wants = scene.guest("client-4").await?;
    let preferences = "/notification-preferences";
    never.rest.patch(preferences, &json!({ "emailFrequency": "NEVER" })).await?.expect(200)?;
    disabled
        .rest
        .patch(preferences, &json!({ "emailNotificationsEnabled": false }))
        .await?
        .expect(200)?;
    let mute = json!({ "conversationId": muted.conversation });
    muted.rest.post("/notification-preferences/mute", &mute).await?.expect(201)?;
    for guest in [&never, &muted, &disabled, &wants] {
        scene.tell(guest, "Bonjour").await?;
    }
    scene.post.mail_to(&wants.address).await?;
    all_settled(&scene.stage.database).await?;
    same("further mails", scene.post.arrived()?, vec![])
}

#[tokio::test]
async fn one_click_ends_all_mail() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let (leaves, stays) = (scene.guest("client-1").await?, scene.guest("client-2").await?);
    scene.tell(&leaves, "Bonjour").await?;
    let mail = scene.post.mail_to(&leaves.address).await?;
    same("how", mail.header("List-Unsubscribe-Post").as_str(), "List-Unsubscribe=One-Click")?;
    let link = mail.header("List-Unsubscribe");
    let link = link.trim_matches(['<', '>']);
    let path = link.strip_prefix(&scene.stage.server.url());
    let path = path.ok_or_else(|| Fault::new(format!("{link} leads elsewhere")))?;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let one_click = b"List-Unsubscribe=One-Click".to_vec();
    let answer = scene.stage.anonymous().send("POST", path, &form, one_click).await?;
    assert!((200..300).contains(&answer.status), "{answer:?}");

    all_settled(&scene.stage.database).await?;
    an_hour_passes(&scene.stage.database).await?;
    for guest in [&leaves, &stays] {
        scene.tell(guest, "Encore un mot").await?;
    }
    scene.post.mail_to(&stays.address).await?;
    all_settled(&scene.stage.database).await?;
    same("further mails", scene.post.arrived()?, vec![])
}

//! Who gets mail, and who does not.

use serde_json::json;
use testkit::{
    Fault,
    fault::same,
    smtp::{all_settled, an_hour_passes},
};

use crate::{AT_ONCE, Fixture, SITE};

#[tokio::test]
async fn three_messages_that_wait_are_one_mail() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[]).await?;
    let recipient = fixture.recipient("client-1").await?;
    for words in ["Bonjour Camille", "Votre croquis", "A mardi"] {
        fixture.send_message(&recipient, words).await?;
    }
    an_hour_passes(&fixture.app.database).await?;
    let mail = fixture.mail_server.mail_to(&recipient.address).await?;
    same("subject", mail.header("Subject").as_str(), "3 nouveaux messages de Encre Noire")?;
    for words in ["Bonjour Camille", "Votre croquis", "A mardi"] {
        assert!(mail.says(words), "{words}: {mail:?}");
    }
    assert!(mail.says(&format!("{SITE}/messagerie/{}", recipient.conversation)), "{mail:?}");

    all_settled(&fixture.app.database).await?;
    same("further mails", fixture.mail_server.arrived()?, vec![])
}

#[tokio::test]
async fn who_read_in_time_gets_no_mail() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[]).await?;
    let (quick, slow) =
        (fixture.recipient("client-1").await?, fixture.recipient("client-2").await?);
    for recipient in [&quick, &slow] {
        fixture.send_message(recipient, "Bonjour").await?;
    }
    let path = format!("/messaging/conversations/{}/mark-read", quick.conversation);
    quick.rest.call("PATCH", &path, None).await?.expect(204)?;
    an_hour_passes(&fixture.app.database).await?;
    fixture.mail_server.mail_to(&slow.address).await?;
    all_settled(&fixture.app.database).await?;
    same("further mails", fixture.mail_server.arrived()?, vec![])
}

#[tokio::test]
async fn who_wants_no_mail_gets_none() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let never = fixture.recipient("client-1").await?;
    let muted = fixture.recipient("client-2").await?;
    let disabled = fixture.recipient("client-3").await?;
    let wants = fixture.recipient("client-4").await?;
    let preferences = "/notification-preferences";
    never.rest.patch(preferences, &json!({ "emailFrequency": "NEVER" })).await?.expect(200)?;
    disabled
        .rest
        .patch(preferences, &json!({ "emailNotificationsEnabled": false }))
        .await?
        .expect(200)?;
    let mute = json!({ "conversationId": muted.conversation });
    muted.rest.post("/notification-preferences/mute", &mute).await?.expect(201)?;
    for recipient in [&never, &muted, &disabled, &wants] {
        fixture.send_message(recipient, "Bonjour").await?;
    }
    fixture.mail_server.mail_to(&wants.address).await?;
    all_settled(&fixture.app.database).await?;
    same("further mails", fixture.mail_server.arrived()?, vec![])
}

#[tokio::test]
async fn one_click_ends_all_mail() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let (leaves, stays) =
        (fixture.recipient("client-1").await?, fixture.recipient("client-2").await?);
    fixture.send_message(&leaves, "Bonjour").await?;
    let mail = fixture.mail_server.mail_to(&leaves.address).await?;
    same("how", mail.header("List-Unsubscribe-Post").as_str(), "List-Unsubscribe=One-Click")?;
    let link = mail.header("List-Unsubscribe");
    let link = link.trim_matches(['<', '>']);
    let path = link.strip_prefix(&fixture.app.server.url());
    let path = path.ok_or_else(|| Fault::new(format!("{link} leads elsewhere")))?;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let one_click = b"List-Unsubscribe=One-Click".to_vec();
    let answer = fixture.app.anonymous().send("POST", path, &form, one_click).await?;
    assert!((200..300).contains(&answer.status), "{answer:?}");

    all_settled(&fixture.app.database).await?;
    an_hour_passes(&fixture.app.database).await?;
    for recipient in [&leaves, &stays] {
        fixture.send_message(recipient, "Encore un mot").await?;
    }
    fixture.mail_server.mail_to(&stays.address).await?;
    all_settled(&fixture.app.database).await?;
    same("further mails", fixture.mail_server.arrived()?, vec![])
}

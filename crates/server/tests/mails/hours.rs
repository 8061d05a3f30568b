//! When mail comes.

use serde_json::json;
use testkit::{
    Fault,
    fault::same,
    person::Person,
    smtp::{all_put_off, an_hour_passes},
};

use crate::{AT_ONCE, Fixture};

#[tokio::test]
async fn what_is_said_within_the_hour_is_told_after_it() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    fixture.send_message(&recipient, "Premier mot").await?;
    let first = fixture.mail_server.mail_to(&recipient.address).await?;
    fixture.send_message(&recipient, "Second mot").await?;
    fixture.send_message(&recipient, "Dernier mot").await?;
    all_put_off(&fixture.app.database).await?;
    same("mails within the hour", fixture.mail_server.arrived()?, vec![])?;

    an_hour_passes(&fixture.app.database).await?;
    let second = fixture.mail_server.mail_to(&recipient.address).await?;
    same("subject", second.header("Subject").as_str(), "2 nouveaux messages de Encre Noire")?;
    assert!(second.says("Second mot") && second.says("Dernier mot"), "{second:?}");
    assert!(!second.says("Premier mot"), "{second:?}");
    same("the thread", second.header("References"), first.header("References"))?;
    assert_ne!(second.header("Message-ID"), first.header("Message-ID"));
    Ok(())
}

#[tokio::test]
async fn an_hourly_digest_tells_of_every_conversation_at_the_full_hour() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    let other_salon = Person::salon("salon-2", "Atelier Bleu");
    let other = fixture.app.conversation(&other_salon, &recipient.person).await?;
    let wish = json!({ "emailFrequency": "HOURLY" });
    recipient.rest.patch("/notification-preferences", &wish).await?.expect(200)?;
    fixture.send_message(&recipient, "Bonjour").await?;
    fixture.send_message(&recipient, "Votre croquis").await?;
    fixture.app.message(&other_salon, &other, "Bonsoir").await?;
    all_put_off(&fixture.app.database).await?;
    same("conversations that wait for the full hour", at_full_hours(&fixture).await?, 2)?;
    same("mails before the hour", fixture.mail_server.arrived()?, vec![])?;

    an_hour_passes(&fixture.app.database).await?;
    let mail = fixture.mail_server.mail_to(&recipient.address).await?;
    let subject = "3 nouveaux messages dans 2 conversations";
    same("subject", mail.header("Subject").as_str(), subject)?;
    for words in ["Encre Noire", "Atelier Bleu", "Votre croquis", "Bonsoir"] {
        assert!(mail.says(words), "{words}: {mail:?}");
    }
    Ok(())
}

/// How many conversations wait for a full hour that is not over.
async fn at_full_hours(fixture: &Fixture) -> Result<i64, Fault> {
    let count = "SELECT count(*) FROM messaging.pending_mail
        WHERE wait_until = date_trunc('hour', wait_until) AND wait_until > now()
            AND wait_until <= now() + interval '1 hour'";
    let row = fixture.app.database.client().await?.query_one(count, &[]).await;
    Ok(row.map_err(Fault::while_doing("look for what waits"))?.get(0))
}

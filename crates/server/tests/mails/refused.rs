//! What a mail server will never take.

use serde_json::json;
use testkit::{
    Fault, appointment::register, fault::same, operator::Operator, smtp::all_settled, wait,
};

use crate::{AT_ONCE, Fixture, Recipient, SERVER};

/// Changes a person's address; the mail server behaves as the part before the @ says.
async fn moves_to(fixture: &Fixture, recipient: &Recipient, address: &str) -> Result<(), Fault> {
    let entry = json!({ "role": "client", "firstName": "Camille", "email": address });
    register(&fixture.app, &recipient.person.id, &entry).await
}

/// What the operator's verb prints about jobs.
async fn jobs(fixture: &Fixture, words: &[&str]) -> Result<String, Fault> {
    let verb: Vec<_> = std::iter::once(&"jobs").chain(words).copied().collect();
    Operator::of(&fixture.app, SERVER).run(&verb).await
}

#[tokio::test]
async fn a_mail_that_is_refused_waits_for_the_operator_and_leaves_when_told_to() -> Result<(), Fault>
{
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    moves_to(&fixture, &recipient, "spam@example.org").await?;
    fixture.send_message(&recipient, "Bonjour").await?;
    let dead = wait::until("a dead mail", async || {
        let dead = jobs(&fixture, &["list", "--dead"]).await?;
        Ok(dead.contains("\tmail_refused\n").then_some(dead))
    });
    let dead = dead.await?;
    same("it names nobody", dead.contains('@'), false)?;
    same("mails", fixture.mail_server.arrived()?.len(), 0)?;

    moves_to(&fixture, &recipient, "camille@example.org").await?;
    same(
        "what is tried again",
        jobs(&fixture, &["retry", "--all"]).await?.as_str(),
        "1 tried again\n",
    )?;
    let mail = fixture.mail_server.mail_to("camille@example.org").await?;
    same("the mail", mail.says("Bonjour"), true)?;
    all_settled(&fixture.app.database).await
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_gets_no_more_and_a_new_address_does() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE, ("MAIL_PAUSE_MS", "0")]).await?;
    let recipient = fixture.recipient("client-1").await?;
    moves_to(&fixture, &recipient, "unknown@example.org").await?;
    for words in ["Bonjour", "Toujours samedi ?"] {
        fixture.send_message(&recipient, words).await?;
        all_settled(&fixture.app.database).await?;
    }
    let database = fixture.app.database.client().await?;
    let known = database.query("SELECT address FROM messaging.suppressed_address", &[]).await;
    let known = known.map_err(Fault::while_doing("look for addresses"))?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    same("addresses that get no more", known, vec!["unknown@example.org".to_owned()])?;
    let log = fixture.app.server.log()?;
    same("jobs given up", log.matches("a job failed for good").count(), 0)?;
    same("jobs that wait", jobs(&fixture, &["list"]).await?.contains("send_mail"), false)?;

    moves_to(&fixture, &recipient, "camille@example.org").await?;
    fixture.send_message(&recipient, "Vous avez une autre adresse").await?;
    let mail = fixture.mail_server.mail_to("camille@example.org").await?;
    same("all is in the mail", mail.says("Toujours samedi") && mail.says("une autre adresse"), true)
}

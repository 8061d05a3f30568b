//! The mail server is away, hangs, puts off or dies: the mail arrives all the same. What the server
//! does follows from the recipient's name.

use testkit::{Fault, fault::same, smtp::MailServer, wait};

use crate::{FAST_RETRIES, Fixture};

#[tokio::test]
async fn a_mail_server_that_hangs_holds_up_nobody_else() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&FAST_RETRIES).await?;
    let (silent, other) =
        (fixture.recipient("silent").await?, fixture.recipient("client-2").await?);
    fixture.send_message(&silent, "Bonjour").await?;
    fixture.retries(1).await?;
    fixture.send_message(&other, "Bonjour").await?;
    fixture.mail_server.mail_to(&other.address).await?;
    // Ended before it has said so, the server would get this one again.
    wait::until("the other mail to be closed", async || {
        let closed = "SELECT count(*) FROM messaging.mail WHERE is_closed";
        Ok((fixture.count(closed).await? == 1).then_some(()))
    })
    .await?;
    fixture.mail_server.take_everything().await?;
    fixture.mail_server.mail_to(&silent.address).await?;
    fixture.nothing_more().await
}

#[tokio::test]
async fn a_mail_that_the_server_puts_off_arrives_later_and_once() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&FAST_RETRIES).await?;
    let busy = fixture.recipient("busy").await?;
    fixture.send_message(&busy, "Bonjour").await?;
    fixture.retries(1).await?;
    fixture.mail_server.take_everything().await?;
    fixture.mail_server.mail_to(&busy.address).await?;
    fixture.nothing_more().await
}

#[tokio::test]
async fn a_mail_server_that_dies_with_a_mail_gets_it_again_as_the_same_mail() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&FAST_RETRIES).await?;
    let fatal = fixture.recipient("fatal").await?;
    fixture.send_message(&fatal, "Bonjour").await?;
    let first = fixture.mail_server.mail_to(&fatal.address).await?;
    fixture.mail_server.take_everything().await?;
    let again = fixture.mail_server.mail_to(&fatal.address).await?;
    assert!(!first.header("Message-ID").is_empty(), "{first:?}");
    same("Message-ID", again.header("Message-ID"), first.header("Message-ID"))?;
    fixture.nothing_more().await
}

#[tokio::test]
async fn nothing_is_lost_while_the_mail_server_is_away() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&FAST_RETRIES).await?;
    let mut expected = Vec::new();
    fixture.mail_server.stop().await?;
    for id in ["client-1", "client-2", "client-3"] {
        let recipient = fixture.recipient(id).await?;
        fixture.send_message(&recipient, "Bonjour").await?;
        expected.push(recipient.address);
    }
    fixture.retries(3).await?;
    fixture.mail_server.take_everything().await?;
    let mut recipients = Vec::new();
    for _ in &expected {
        recipients.push(fixture.mail_server.mail().await?.to);
    }
    recipients.sort();
    same("the recipients", recipients, expected)?;
    fixture.nothing_more().await
}

#[tokio::test]
async fn what_is_read_before_its_mail_leaves_is_not_told() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&FAST_RETRIES).await?;
    fixture.mail_server.stop().await?;
    let (quick, slow) =
        (fixture.recipient("client-1").await?, fixture.recipient("client-2").await?);
    for recipient in [&quick, &slow] {
        fixture.send_message(recipient, "Bonjour").await?;
    }
    fixture.retries(2).await?;
    let path = format!("/messaging/conversations/{}/mark-read", quick.conversation);
    quick.rest.call("PATCH", &path, None).await?.expect(204)?;
    fixture.mail_server.take_everything().await?;
    fixture.mail_server.mail_to(&slow.address).await?;
    fixture.nothing_more().await
}

#[tokio::test]
async fn a_mail_server_without_the_tls_that_is_asked_for_gets_no_mail() -> Result<(), Fault> {
    let mail_server = MailServer::start().await?;
    let url = format!("{}?tls=starttls", mail_server.url());
    let mut fixture = Fixture::with(mail_server, &url, &FAST_RETRIES).await?;
    let recipient = fixture.recipient("client-1").await?;
    fixture.send_message(&recipient, "Bonjour").await?;
    fixture.retries(1).await?;
    same("mails in the clear", fixture.mail_server.arrived()?, vec![])
}

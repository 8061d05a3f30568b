//! The mail server is away, hangs, puts off or dies: the mail arrives all the same. What the server
//! does follows from the recipient's name.

use testkit::{Fault, fault::same, smtp::MailServer, wait};

use crate::{BRISK, Scene};

#[tokio::test]
async fn a_mail_server_that_hangs_holds_up_nobody_else() -> Result<(), Fault> {
    let mut scene = Scene::set(&BRISK).await?;
    let (silent, other) = (scene.guest("silent").await?, scene.guest("client-2").await?);
    scene.tell(&silent, "Bonjour").await?;
    scene.setbacks(1).await?;
    scene.tell(&other, "Bonjour").await?;
    scene.post.mail_to(&other.address).await?;
    // Ended before it has said so, the server would get this one again.
    wait::until("the other mail to be closed", async || {
        let closed = "SELECT count(*) FROM messaging.mail WHERE is_closed";
        Ok((scene.count(closed).await? == 1).then_some(()))
    })
    .await?;
    scene.post.take_everything().await?;
    scene.post.mail_to(&silent.address).await?;
    scene.nothing_more().await
}

#[tokio::test]
async fn a_mail_that_the_server_puts_off_arrives_later_and_once() -> Result<(), Fault> {
    let mut scene = Scene::set(&BRISK).await?;
    let busy = scene.guest("busy").await?;
    scene.tell(&busy, "Bonjour").await?;
    scene.setbacks(1).await?;
    scene.post.take_everything().await?;
    scene.post.mail_to(&busy.address).await?;
    scene.nothing_more().await
}

#[tokio::test]
async fn a_mail_server_that_dies_with_a_mail_gets_it_again_as_the_same_mail() -> Result<(), Fault> {
    let mut scene = Scene::set(&BRISK).await?;
    let fatal = scene.guest("fatal").await?;
    scene.tell(&fatal, "Bonjour").await?;
    let first = scene.post.mail_to(&fatal.address).await?;
    scene.post.take_everything().await?;
    let again = scene.post.mail_to(&fatal.address).await?;
    assert!(!first.header("Message-ID").is_empty(), "{first:?}");
    same("Message-ID", again.header("Message-ID"), first.header("Message-ID"))?;
    scene.nothing_more().await
}

#[tokio::test]
async fn nothing_is_lost_while_the_mail_server_is_away() -> Result<(), Fault> {
    let mut scene = Scene::set(&BRISK).await?;
    let mut expected = Vec::new();
    scene.post.stop().await?;
    for id in ["client-1", "client-2", "client-3"] {
        let guest = scene.guest(id).await?;
        scene.tell(&guest, "Bonjour").await?;
        expected.push(guest.address);
    }
    scene.setbacks(3).await?;
    scene.post.take_everything().await?;
    let mut told = Vec::new();
    for _ in &expected {
        told.push(scene.post.mail().await?.to);
    }
    told.sort();
    same("who is told", told, expected)?;
    scene.nothing_more().await
}

#[tokio::test]
async fn what_is_read_before_its_mail_leaves_is_not_told() -> Result<(), Fault> {
    let mut scene = Scene::set(&BRISK).await?;
    scene.post.stop().await?;
    let (quick, slow) = (scene.guest("client-1").await?, scene.guest("client-2").await?);
    for guest in [&quick, &slow] {
        scene.tell(guest, "Bonjour").await?;
    }
    scene.setbacks(2).await?;
    let path = format!("/messaging/conversations/{}/mark-read", quick.conversation);
    quick.rest.call("PATCH", &path, None).await?.expect(204)?;
    scene.post.take_everything().await?;
    scene.post.mail_to(&slow.address).await?;
    scene.nothing_more().await
}

#[tokio::test]
async fn a_mail_server_without_the_tls_that_is_asked_for_gets_no_mail() -> Result<(), Fault> {
    let post = MailServer::start().await?;
    let url = format!("{}?tls=starttls", post.url());
    let mut scene = Scene::with(post, &url, &BRISK).await?;
    let guest = scene.guest("client-1").await?;
    scene.tell(&guest, "Bonjour").await?;
    scene.setbacks(1).await?;
    same("mails in the clear", scene.post.arrived()?, vec![])
}

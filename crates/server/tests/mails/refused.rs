//! What a mail server will never take.

use serde_json::json;
use testkit::{
    Fault, appointment::register, fault::same, operator::Operator, smtp::all_settled, wait,
};

use crate::{AT_ONCE, Guest, SERVER, Scene};

/// Gives somebody another address; the mail server does by its first part what it does.
async fn moves_to(scene: &Scene, guest: &Guest, address: &str) -> Result<(), Fault> {
    let entry = json!({ "role": "client", "firstName": "Camille", "email": address });
    register(&scene.stage, &guest.person.id, &entry).await
}

/// What the operator's verb prints about jobs.
async fn jobs(scene: &Scene, words: &[&str]) -> Result<String, Fault> {
    let verb: Vec<_> = std::iter::once(&"jobs").chain(words).copied().collect();
    Operator::of(&scene.stage, SERVER).run(&verb).await
}

#[tokio::test]
async fn a_mail_that_is_refused_waits_for_the_operator_and_leaves_when_told_to() -> Result<(), Fault>
{
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let guest = scene.guest("client-1").await?;
    moves_to(&scene, &guest, "spam@example.org").await?;
    scene.tell(&guest, "Bonjour").await?;
    let dead = wait::until("a dead letter", async || {
        let dead = jobs(&scene, &["list", "--dead"]).await?;
        Ok(dead.contains("\tmail_refused\n").then_some(dead))
    });
    let dead = dead.await?;
    same("it names nobody", dead.contains('@'), false)?;
    same("mails", scene.post.arrived()?.len(), 0)?;

    moves_to(&scene, &guest, "camille@example.org").await?;
    same(
        "what is tried again",
        jobs(&scene, &["retry", "--all"]).await?.as_str(),
        "1 tried again\n",
    )?;
    let letter = scene.post.mail_to("camille@example.org").await?;
    same("the mail", letter.says("Bonjour"), true)?;
    all_settled(&scene.stage.database).await
}

#[tokio::test]
async fn a_mailbox_that_does_not_exist_gets_no_more_and_a_new_address_does() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE, ("MAIL_PAUSE_MS", "0")]).await?;
    let guest = scene.guest("client-1").await?;
    moves_to(&scene, &guest, "unknown@example.org").await?;
    for words in ["Bonjour", "Toujours samedi ?"] {
        scene.tell(&guest, words).await?;
        all_settled(&scene.stage.database).await?;
    }
    let database = scene.stage.database.client().await?;
    let known = database.query("SELECT address FROM messaging.suppressed_address", &[]).await;
    let known = known.map_err(Fault::while_doing("look for addresses"))?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    same("addresses that get no more", known, vec!["unknown@example.org".to_owned()])?;
    let log = scene.stage.server.log()?;
    same("jobs given up", log.matches("a job was given up").count(), 0)?;
    same("jobs that wait", jobs(&scene, &["list"]).await?.contains("send_mail"), false)?;

    moves_to(&scene, &guest, "camille@example.org").await?;
    scene.tell(&guest, "Vous avez une autre adresse").await?;
    let letter = scene.post.mail_to("camille@example.org").await?;
    same("all is told", letter.says("Toujours samedi") && letter.says("une autre adresse"), true)
}

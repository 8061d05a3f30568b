//! How people want to be told: when, how often, and in which language.

use serde_json::json;
use testkit::{
    Fault,
    appointment::register,
    fault::same,
    person::Person,
    smtp::{a_day_passes, all_put_off, an_hour_passes},
};

use crate::{AT_ONCE, Scene};

const PREFERENCES: &str = "/notification-preferences";

#[tokio::test]
async fn a_daily_digest_comes_at_nine_by_the_clock_of_its_reader() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let guest = scene.guest("client-1").await?;
    let wish = json!({ "emailFrequency": "DAILY", "timeZone": "America/Cayenne" });
    guest.rest.patch(PREFERENCES, &wish).await?.expect(200)?;
    let other_salon = Person::salon("salon-2", "Atelier Bleu");
    let other = scene.stage.conversation(&other_salon, &guest.person).await?;
    scene.tell(&guest, "Votre croquis").await?;
    scene.stage.message(&other_salon, &other, "Bonsoir").await?;
    all_put_off(&scene.stage.database).await?;
    let at_nine = "SELECT count(*) FROM messaging.pending_mail
        WHERE (wait_until AT TIME ZONE 'America/Cayenne')::time = '09:00'
            AND wait_until <= now() + interval '24 hours'";
    same("conversations that wait for nine o'clock", scene.count(at_nine).await?, 2)?;
    same("mails before", scene.post.arrived()?, vec![])?;

    a_day_passes(&scene.stage.database).await?;
    let mail = scene.post.mail_to(&guest.address).await?;
    let subject = "2 nouveaux messages dans 2 conversations";
    same("subject", mail.header("Subject").as_str(), subject)?;
    scene.nothing_more().await
}

#[tokio::test]
async fn no_mail_comes_in_quiet_hours_by_the_clock_of_its_reader() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let guest = scene.guest("client-1").await?;
    let (from, to) = around_now_in_tokyo(&scene).await?;
    let wish = json!({ "quietHours": { "from": from, "to": to }, "timeZone": "Asia/Tokyo" });
    guest.rest.patch(PREFERENCES, &wish).await?.expect(200)?;
    scene.tell(&guest, "Bonjour").await?;
    all_put_off(&scene.stage.database).await?;
    let until = format!(
        "SELECT count(*) FROM messaging.pending_mail
        WHERE (wait_until AT TIME ZONE 'Asia/Tokyo')::time = '{to}'"
    );
    same("conversations that wait for their end", scene.count(&until).await?, 1)?;
    same("mails meanwhile", scene.post.arrived()?, vec![])?;

    let wish = json!({ "quietHours": null });
    guest.rest.patch(PREFERENCES, &wish).await?.expect(200)?;
    a_day_passes(&scene.stage.database).await?;
    scene.post.mail_to(&guest.address).await?;
    scene.nothing_more().await
}

/// Two hours before and after, on a clock nine hours ahead of UTC.
async fn around_now_in_tokyo(scene: &Scene) -> Result<(String, String), Fault> {
    let query = "SELECT to_char(tokyo - interval '2 hours', 'HH24:MI'),
            to_char(tokyo + interval '2 hours', 'HH24:MI')
        FROM (SELECT now() AT TIME ZONE 'Asia/Tokyo' AS tokyo) AS clock";
    let row = scene.stage.database.client().await?.query_one(query, &[]).await;
    let row = row.map_err(Fault::while_doing("read the clock"))?;
    Ok((row.get(0), row.get(1)))
}

#[tokio::test]
async fn the_eleventh_mail_of_a_minute_comes_after_it() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let guest = scene.guest("client-1").await?;
    for number in 1..=11 {
        let salon = Person::salon(&format!("house-{number}"), "Atelier Bleu");
        let conversation = scene.stage.conversation(&salon, &guest.person).await?;
        scene.stage.message(&salon, &conversation, &format!("Bonjour {number}")).await?;
        if number <= 10 {
            scene.post.mail_to(&guest.address).await?;
        }
    }
    all_put_off(&scene.stage.database).await?;
    same("mails within the minute", scene.post.arrived()?, vec![])?;
    let soon = "SELECT count(*) FROM messaging.pending_mail
        WHERE wait_until BETWEEN now() AND now() + interval '1 minute'";
    same("what waits for the next minute", scene.count(soon).await?, 1)?;

    an_hour_passes(&scene.stage.database).await?;
    let mail = scene.post.mail_to(&guest.address).await?;
    same("it is the eleventh", mail.says("Bonjour 11"), true)
}

#[tokio::test]
async fn mail_speaks_the_language_of_its_reader_and_french_to_who_has_none() -> Result<(), Fault> {
    let mut scene = Scene::set(&[AT_ONCE]).await?;
    let table = [
        ("client-1", "en", "New message from Encre Noire"),
        ("client-2", "fr", "Nouveau message de Encre Noire"),
        ("client-3", "", "Nouveau message de Encre Noire"),
    ];
    for (id, language, subject) in table {
        let guest = scene.guest(id).await?;
        let mut entry = json!({ "role": "client", "email": guest.address });
        if !language.is_empty() {
            entry["locale"] = json!(language);
        }
        register(&scene.stage, id, &entry).await?;
        scene.tell(&guest, "Bonjour").await?;
        let mail = scene.post.mail_to(&guest.address).await?;
        same(id, mail.header("Subject").as_str(), subject)?;
    }
    Ok(())
}

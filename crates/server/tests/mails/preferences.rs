//! Mail preferences: when, how often, and in which language.

use serde_json::json;
use testkit::{
    Fault,
    appointment::register,
    fault::same,
    person::Person,
    smtp::{a_day_passes, all_put_off, an_hour_passes},
};

use crate::{AT_ONCE, Fixture};

const PREFERENCES: &str = "/notification-preferences";

#[tokio::test]
async fn a_daily_digest_comes_at_nine_by_the_clock_of_its_reader() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    let wish = json!({ "emailFrequency": "DAILY", "timeZone": "America/Cayenne" });
    recipient.rest.patch(PREFERENCES, &wish).await?.expect(200)?;
    let other_salon = Person::salon("salon-2", "Atelier Bleu");
    let other = fixture.app.conversation(&other_salon, &recipient.person).await?;
    fixture.send_message(&recipient, "Votre croquis").await?;
    fixture.app.message(&other_salon, &other, "Bonsoir").await?;
    all_put_off(&fixture.app.database).await?;
    let at_nine = "SELECT count(*) FROM messaging.pending_mail
        WHERE (wait_until AT TIME ZONE 'America/Cayenne')::time = '09:00'
            AND wait_until <= now() + interval '24 hours'";
    same("conversations that wait for nine o'clock", fixture.count(at_nine).await?, 2)?;
    same("mails before", fixture.mail_server.arrived()?, vec![])?;

    a_day_passes(&fixture.app.database).await?;
    let mail = fixture.mail_server.mail_to(&recipient.address).await?;
    let subject = "2 nouveaux messages dans 2 conversations";
    same("subject", mail.header("Subject").as_str(), subject)?;
    fixture.nothing_more().await
}

#[tokio::test]
async fn no_mail_comes_in_quiet_hours_by_the_clock_of_its_reader() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    let (from, to) = around_now_in_tokyo(&fixture).await?;
    let wish = json!({ "quietHours": { "from": from, "to": to }, "timeZone": "Asia/Tokyo" });
    recipient.rest.patch(PREFERENCES, &wish).await?.expect(200)?;
    fixture.send_message(&recipient, "Bonjour").await?;
    all_put_off(&fixture.app.database).await?;
    let until = format!(
        "SELECT count(*) FROM messaging.pending_mail
        WHERE (wait_until AT TIME ZONE 'Asia/Tokyo')::time = '{to}'"
    );
    same("conversations that wait for their end", fixture.count(&until).await?, 1)?;
    same("mails meanwhile", fixture.mail_server.arrived()?, vec![])?;

    let wish = json!({ "quietHours": null });
    recipient.rest.patch(PREFERENCES, &wish).await?.expect(200)?;
    a_day_passes(&fixture.app.database).await?;
    fixture.mail_server.mail_to(&recipient.address).await?;
    fixture.nothing_more().await
}

/// Two hours before and after, on a clock nine hours ahead of UTC.
async fn around_now_in_tokyo(fixture: &Fixture) -> Result<(String, String), Fault> {
    let query = "SELECT to_char(tokyo - interval '2 hours', 'HH24:MI'),
            to_char(tokyo + interval '2 hours', 'HH24:MI')
        FROM (SELECT now() AT TIME ZONE 'Asia/Tokyo' AS tokyo) AS clock";
    let row = fixture.app.database.client().await?.query_one(query, &[]).await;
    let row = row.map_err(Fault::while_doing("read the clock"))?;
    Ok((row.get(0), row.get(1)))
}

#[tokio::test]
async fn the_eleventh_mail_of_a_minute_comes_after_it() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    for number in 1..=11 {
        let salon = Person::salon(&format!("studio-{number}"), "Atelier Bleu");
        let conversation = fixture.app.conversation(&salon, &recipient.person).await?;
        fixture.app.message(&salon, &conversation, &format!("Bonjour {number}")).await?;
        if number <= 10 {
            fixture.mail_server.mail_to(&recipient.address).await?;
        }
    }
    all_put_off(&fixture.app.database).await?;
    same("mails within the minute", fixture.mail_server.arrived()?, vec![])?;
    let soon = "SELECT count(*) FROM messaging.pending_mail
        WHERE wait_until BETWEEN now() AND now() + interval '1 minute'";
    same("what waits for the next minute", fixture.count(soon).await?, 1)?;

    an_hour_passes(&fixture.app.database).await?;
    let mail = fixture.mail_server.mail_to(&recipient.address).await?;
    same("it is the eleventh", mail.says("Bonjour 11"), true)
}

#[tokio::test]
async fn mail_speaks_the_language_of_its_reader_and_french_to_who_has_none() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let table = [
        ("client-1", "en", "New message from Encre Noire"),
        ("client-2", "fr", "Nouveau message de Encre Noire"),
        ("client-3", "", "Nouveau message de Encre Noire"),
    ];
    for (id, language, subject) in table {
        let recipient = fixture.recipient(id).await?;
        let mut entry = json!({ "role": "client", "email": recipient.address });
        if !language.is_empty() {
            entry["locale"] = json!(language);
        }
        register(&fixture.app, id, &entry).await?;
        fixture.send_message(&recipient, "Bonjour").await?;
        let mail = fixture.mail_server.mail_to(&recipient.address).await?;
        same(id, mail.header("Subject").as_str(), subject)?;
    }
    Ok(())
}

//! What an operator can do about mail.

use std::process::Output;

use testkit::{Fault, fault::same, smtp::all_settled};
use tokio::process::Command;

use crate::{AT_ONCE, Fixture, SERVER};

async fn flush(fixture: &Fixture, settings: &[(&str, &str)]) -> Result<Output, Fault> {
    verb(fixture, &["flush"], settings).await
}

async fn verb(
    fixture: &Fixture,
    words: &[&str],
    settings: &[(&str, &str)],
) -> Result<Output, Fault> {
    let mut command = Command::new(SERVER);
    command
        .arg("mail")
        .args(words)
        .env_clear()
        .env("NODE_ENV", "development")
        .env("DATABASE_URL", fixture.app.database.url())
        .env("JWT_SECRET", fixture.app.server.secret())
        .envs(settings.iter().copied());
    command.output().await.map_err(Fault::while_doing("run the program"))
}

#[tokio::test]
async fn mail_that_still_waits_leaves_when_an_operator_says_so() -> Result<(), Fault> {
    let mut fixture = Fixture::start(&[]).await?;
    let recipient = fixture.recipient("client-1").await?;
    fixture.send_message(&recipient, "Bonjour").await?;
    let url = fixture.mail_server.url();
    let settings = [("MAIL_SMTP_URL", url.as_str()), ("MAIL_FROM", "noreply@mail.example.org")];
    let printed = flush(&fixture, &settings).await?;
    same(
        "what is printed",
        String::from_utf8_lossy(&printed.stdout).as_ref(),
        "people checked\t1\nmails scheduled\t1\nconversations too old for a mail\t0\n",
    )?;
    fixture.mail_server.mail_to(&recipient.address).await.map(drop)
}

#[tokio::test]
async fn what_waited_for_weeks_until_there_was_a_way_is_counted_and_told_by_no_mail()
-> Result<(), Fault> {
    const AGE: &str = "
        WITH noted AS (UPDATE messaging.pending_mail SET since = since - interval '8 days')
        UPDATE messaging.message SET created_at = created_at - interval '8 days'";
    // Nobody but the operator decides.
    let fixture = Fixture::start(&[("JOBS_RUN", "off")]).await?;
    let recipient = fixture.recipient("client-1").await?;
    let url = fixture.mail_server.url();
    let way = [("MAIL_SMTP_URL", url.as_str()), ("MAIL_FROM", "noreply@mail.example.org")];
    let longer = [way[0], way[1], ("MAIL_NOTICE_AGE_MAX_DAYS", "30")];
    let database = fixture.app.database.client().await?;
    for (settings, mails, too_old) in [(&way[..], 0, 1), (&longer[..], 1, 0)] {
        fixture.send_message(&recipient, "Bonjour").await?;
        database.execute(AGE, &[]).await.map_err(Fault::while_doing("let weeks go by"))?;
        let printed = flush(&fixture, settings).await?;
        let expected = format!(
            "people checked\t1\nmails scheduled\t{mails}\nconversations too old for a mail\t{too_old}\n"
        );
        same(
            "what is printed",
            String::from_utf8_lossy(&printed.stdout).as_ref(),
            expected.as_str(),
        )?;
    }
    Ok(())
}

#[tokio::test]
async fn without_a_way_for_mail_there_is_nothing_to_flush() -> Result<(), Fault> {
    let fixture = Fixture::start(&[]).await?;
    let printed = flush(&fixture, &[]).await?;
    same("the exit code", printed.status.code(), Some(1))?;
    let log = String::from_utf8_lossy(&printed.stderr);
    assert!(log.contains("no mail leaves"), "{log}");
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_good_again_gets_mail_when_an_operator_says_so() -> Result<(), Fault> {
    const SUPPRESS: &str = "
        INSERT INTO messaging.suppressed_address (address, person_id, at)
        SELECT messaging.mail_address(email), id, now() FROM messaging.participant WHERE id = 'client-1'";
    let mut fixture = Fixture::start(&[AT_ONCE]).await?;
    let recipient = fixture.recipient("client-1").await?;
    let database = fixture.app.database.client().await?;
    database.execute(SUPPRESS, &[]).await.map_err(Fault::while_doing("suppress an address"))?;
    fixture.send_message(&recipient, "Bonjour").await?;
    all_settled(&fixture.app.database).await?;
    same("mails meanwhile", fixture.mail_server.arrived()?.len(), 0)?;
    for (person, allowed) in [("salon-1", 0), ("client-1", 1), ("client-1", 0)] {
        let printed = verb(&fixture, &["allow", person], &[]).await?;
        let said = format!("addresses that get mail again\t{allowed}\n");
        same(person, String::from_utf8_lossy(&printed.stdout).as_ref(), said.as_str())?;
    }
    fixture.send_message(&recipient, "Toujours samedi").await?;
    let mail = fixture.mail_server.mail_to(&recipient.address).await?;
    same("both are in the mail", mail.says("Bonjour") && mail.says("Toujours samedi"), true)
}

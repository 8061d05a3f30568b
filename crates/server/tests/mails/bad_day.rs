//! The mail server refuses, and the messaging server is killed.

use testkit::{Fault, database::Database, fault::same, mail_drill, smtp::MailServer, stage::Stage};

use crate::SERVER;

const PLAN: mail_drill::Plan = mail_drill::Plan { notices: 60, kills: 3 };

#[tokio::test(flavor = "multi_thread")]
async fn every_notice_arrives_however_often_mail_fails_and_servers_die() -> Result<(), Fault> {
    let mut post = MailServer::moody(30).await?;
    let url = post.url();
    let mut settings = vec![("MAIL_SMTP_URL", url.as_str())];
    settings.extend(mail_drill::SETTINGS);
    let mut stage = Stage::on(SERVER, Database::fresh().await?, &settings).await?;
    let Stage { server, database } = &mut stage;
    let outcome = mail_drill::run(PLAN, server, database, &mut post).await?;
    same("people who were told", outcome.delivered(), PLAN.notices)?;
    assert!(outcome.setbacks > PLAN.notices / 5, "{} setbacks are no bad day", outcome.setbacks);
    Ok(())
}

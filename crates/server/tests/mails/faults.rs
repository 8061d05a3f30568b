//! The mail server refuses, and the messaging server is killed.

use testkit::{
    Fault, database::Database, fault::same, mail_drill, smtp::MailServer, test_app::TestApp,
};

use crate::SERVER;

const PLAN: mail_drill::Plan = mail_drill::Plan { notices: 60, kills: 3 };

#[tokio::test(flavor = "multi_thread")]
async fn every_notice_arrives_however_often_mail_fails_and_servers_die() -> Result<(), Fault> {
    let mut mail_server = MailServer::flaky(30).await?;
    let url = mail_server.url();
    let mut settings = vec![("MAIL_SMTP_URL", url.as_str())];
    settings.extend(mail_drill::SETTINGS);
    let mut app = TestApp::start_on(SERVER, Database::fresh().await?, &settings).await?;
    let TestApp { server, database } = &mut app;
    let outcome = mail_drill::run(PLAN, server, database, &mut mail_server).await?;
    same("people who got a mail", outcome.delivered(), PLAN.notices)?;
    assert!(
        outcome.retries > PLAN.notices / 5,
        "{} retries are too few to prove anything",
        outcome.retries
    );
    Ok(())
}

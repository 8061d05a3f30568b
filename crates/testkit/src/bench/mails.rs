//! Notification mails with a failing mail server.

use tokio::time::Instant;

use super::{
    Plan,
    figures::{Figure, Section},
    launch,
};
use crate::{Fault, database::Database, mail_drill, server::Server, smtp::MailServer};

/// The percentage of recipients, and of mails, that the mail server refuses.
const FAIL_PERCENT: u32 = 30;

/// Sends notifications with a failing mail server and a server that is killed. Fails when one is lost
/// or sent under two ids.
pub(super) async fn measure(
    plan: &Plan,
    database: &Database,
    drill: mail_drill::Plan,
) -> Result<Section, Fault> {
    let mut mail_server = MailServer::flaky(FAIL_PERCENT).await?;
    let mut launch = launch(plan, database).with("MAIL_SMTP_URL", &mail_server.url());
    for (name, value) in mail_drill::SETTINGS {
        launch = launch.with(name, value);
    }
    let mut server = Server::start(launch).await?;
    let began = Instant::now();
    let outcome = mail_drill::run(drill, &mut server, database, &mut mail_server).await?;
    let settled_s = began.elapsed().as_secs_f64();
    let name = format!("{} notices by mail, {} kills: until settled", drill.notices, drill.kills);
    let text = format!(
        "### {} notices by mail, the mail server refusing {FAIL_PERCENT} % of recipients and of mails, the \
         server killed {} times\n\n\
         | | |\n| --- | ---: |\n\
         | delivered | {} |\n| lost | 0 |\n\
         | arrived again, under the same Message-ID | {} |\n\
         | delivered under two Message-IDs | 0 |\n\
         | deliveries retried | {} |\n| until all was settled | {settled_s:.1} s |\n",
        drill.notices,
        outcome.kills,
        outcome.delivered(),
        outcome.repeated(),
        outcome.retries,
    );
    Ok(Section { text, figures: vec![Figure::new(name, "s", settled_s)] })
}

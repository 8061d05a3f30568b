//! Notices by mail on a bad day.

use tokio::time::Instant;

use super::{Plan, launch};
use crate::{Fault, database::Database, mail_drill, server::Server, smtp::MailServer};

/// In so many of a hundred cases the mail server refuses a recipient, and as often a mail.
const FAIL_PERCENT: u32 = 30;

/// Sends notices to everybody, with a failing mail server and a server that is killed; fails when one is lost
/// or sent twice under two ids.
pub(super) async fn measure(
    plan: &Plan,
    database: &Database,
    drill: mail_drill::Plan,
) -> Result<String, Fault> {
    let mut post = MailServer::flaky(FAIL_PERCENT).await?;
    let mut launch = launch(plan, database).with("MAIL_SMTP_URL", &post.url());
    for (name, value) in mail_drill::SETTINGS {
        launch = launch.with(name, value);
    }
    let mut server = Server::start(launch).await?;
    let began = Instant::now();
    let outcome = mail_drill::run(drill, &mut server, database, &mut post).await?;
    Ok(format!(
        "### {} notices by mail, the mail server refusing {FAIL_PERCENT} % of recipients and of mails, the \
         server killed {} times\n\n\
         | | |\n| --- | ---: |\n\
         | delivered | {} |\n| lost | 0 |\n\
         | arrived again, under the same Message-ID | {} |\n\
         | told twice under two Message-IDs | 0 |\n\
         | deliveries put off | {} |\n| until all was settled | {:.1} s |\n",
        drill.notices,
        outcome.kills,
        outcome.delivered(),
        outcome.repeated(),
        outcome.retries,
        began.elapsed().as_secs_f32(),
    ))
}

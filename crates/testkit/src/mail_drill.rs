//! A bad day for mail: the mail server refuses again and again, and the messaging server is killed in
//! the middle of it. Every notice arrives all the same, and what arrives twice can be recognised.

mod notices;
mod outcome;

use crate::{
    Fault,
    database::Database,
    post::{MailServer, all_settled},
    server::Server,
};
pub use outcome::Outcome;

/// What the messaging server needs for it: mail at once, and no long waits after a failure.
pub const SETTINGS: [(&str, &str); 9] = [
    ("MAIL_FROM", "noreply@mail.example.org"),
    ("MAIL_DELAY_MS", "0"),
    ("MAIL_DELIVERY_TIMEOUT_MS", "900"),
    // What a kill cuts off comes back when its lease has run out.
    ("JOBS_LEASE_MS", "1000"),
    ("JOBS_POLL_INTERVAL_MS", "20"),
    ("JOBS_ATTEMPTS_MAX", "100"),
    ("JOBS_FIRST_RETRY_MS", "20"),
    ("JOBS_LONGEST_RETRY_MS", "500"),
    ("JOBS_AT_ONCE_MAX", "8"),
];

/// How bad the day is.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// People who are each written to once.
    pub notices: usize,
    /// How often the messaging server is killed.
    pub kills: usize,
}

impl Plan {
    /// How many notices have arrived when the server is killed for the next time; between every two
    /// kills there are as many as chance would have it.
    fn arrived_before_kill(self, killed: usize) -> usize {
        let even = self.notices * (killed + 1) / (self.kills + 1);
        (even + killed * 7 % 5).min(self.notices - 1)
    }
}

/// Writes to everybody, and collects their mail while the messaging server is killed again and again.
///
/// # Errors
/// When a mail does not arrive, arrives twice under two ids, or something is left undone.
pub async fn run(
    plan: Plan,
    server: &mut Server,
    database: &Database,
    post: &mut MailServer,
) -> Result<Outcome, Fault> {
    let conversations = notices::prepare(plan.notices, server).await?;
    let salon = notices::salon(server)?;
    let writing = notices::write(&salon, &conversations);
    let collecting = collect(plan, server, post);
    let ((), mut outcome) = tokio::try_join!(writing, collecting)?;

    all_settled(database).await?;
    // A mail that was handed over twice may arrive for the second time now.
    for letter in post.arrived()? {
        outcome.add(&letter);
    }
    outcome.setbacks = server.log()?.matches("a job is tried again later").count();
    outcome.checked(plan)
}

async fn collect(plan: Plan, server: &mut Server, post: &mut MailServer) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::default();
    while outcome.delivered() < plan.notices {
        outcome.add(&post.mail().await?);
        let is_due = outcome.delivered() > plan.arrived_before_kill(outcome.kills);
        if outcome.kills < plan.kills && is_due {
            server.restart().await?;
            outcome.kills += 1;
        }
    }
    Ok(outcome)
}

//! PostgreSQL goes away in the middle: a sender that retries until there is a 202 loses and doubles
//! nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use testkit::{
    Fault,
    appointment::Report,
    database::{self, Database},
    fault::same,
    person::Person,
    rest::Rest,
    test_app::TestApp,
    wait,
};

use crate::{CLIENT, EAGER, SALON, SERVER, all_handled, both_known, conversations, service};

const REPORTS: usize = 60;
/// How many reports are taken before the cut, and how many refusals there are before it ends.
const TAKEN_BEFORE: usize = 20;
const REFUSED_MEANWHILE: usize = 25;

#[derive(Default)]
struct Counts {
    taken: AtomicUsize,
    refused: AtomicUsize,
}

impl Counts {
    async fn reach(
        &self,
        which: impl Fn(&Self) -> &AtomicUsize,
        count: usize,
    ) -> Result<(), Fault> {
        let there = async || Ok((which(self).load(Ordering::Relaxed) >= count).then_some(()));
        wait::until(&format!("{count} answers"), there).await
    }
}

/// Sends one report until it is taken.
async fn insist(service: &Rest, booking: usize, counts: &Counts) -> Result<(), Fault> {
    let report = Report::new("booked", &format!("appointment-{booking}"), SALON, CLIENT);
    wait::until("a report taken", async || {
        let answer = report.send(service).await?;
        match answer.status {
            202 => {
                counts.taken.fetch_add(1, Ordering::Relaxed);
                Ok(Some(()))
            }
            503 => {
                counts.refused.fetch_add(1, Ordering::Relaxed);
                Ok(None)
            }
            other => Err(Fault::new(format!("{other}: {}", answer.body))),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_sent_again_after_an_outage_are_handled_once() -> Result<(), Fault> {
    let mut cluster = database::durable("test-appointments")?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let app = TestApp::start_on(SERVER, database, &EAGER).await?;
    both_known(&app).await?;
    let (service, counts) = (service(&app)?, Counts::default());

    let sending = async {
        for booking in 0..REPORTS {
            insist(&service, booking, &counts).await?;
        }
        Ok(())
    };
    let cut = async {
        counts.reach(|counts| &counts.taken, TAKEN_BEFORE).await?;
        cluster.kill_9().map_err(Fault::while_doing("stop the cluster"))?;
        counts.reach(|counts| &counts.refused, REFUSED_MEANWHILE).await?;
        cluster.restart().map_err(Fault::while_doing("restart the cluster"))
    };
    tokio::try_join!(sending, cut)?;
    all_handled(&app).await?;

    let client = app.rest(&Person::new(CLIENT, "client"))?;
    let found = conversations(&client).await?;
    same("conversations", found.len(), REPORTS)?;
    for (_, messages) in found {
        same("texts", messages.len(), 1)?;
    }
    Ok(())
}

//! What was acknowledged is stored once, whichever process is killed (G1, G2, G3). `cargo xtask drill crash`
//! and `cargo xtask drill two-processes` do the same for longer.

use testkit::{
    Fault,
    crash::{self, BATCH_COMMANDS_MAX, Kills, Outcome, SETTINGS, Until},
    database::{self, Database},
    server::{Launch, Server},
    test_app::{TestApp, log_of_this_test},
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// Every promise was kept, by batches of several conversations.
#[expect(clippy::print_stdout, reason = "figures are for whoever runs the tests")]
fn check(outcome: &Outcome) -> Result<(), Fault> {
    println!("{outcome}");
    outcome.check()?;
    assert!(outcome.evidence.largest_batch <= BATCH_COMMANDS_MAX, "{outcome}");
    assert!(outcome.evidence.conversations_in_batch > 1, "{outcome}");
    Ok(())
}

/// Kills hit messages that were under way, in batches as full as they may be.
fn check_kills(outcome: &Outcome) -> Result<(), Fault> {
    check(outcome)?;
    assert_eq!(outcome.evidence.largest_batch, BATCH_COMMANDS_MAX, "{outcome}");
    assert!(outcome.retries > 0, "no kill hit anything under way: {outcome}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_and_doubles_nothing() -> Result<(), Fault> {
    let mut app = TestApp::start_with(SERVER, &SETTINGS).await?;
    let (outcome, _) = crash::kill(Kills { server: 20, database: 0 }, &mut app, None).await?;
    check_kills(&outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgresql_loses_and_doubles_nothing() -> Result<(), Fault> {
    let cluster = database::durable("test-crash")?;
    let database = Database::create(&cluster.url("postgres")).await?;
    let mut app = TestApp::start_on(SERVER, database, &SETTINGS).await?;
    let kills = Kills { server: 0, database: 3 };
    let (outcome, _cluster) = crash::kill(kills, &mut app, Some(cluster)).await?;
    check_kills(&outcome)?;
    assert_eq!(outcome.evidence.groups, 2, "both lanes had batches: {outcome}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_the_same_conversations_keep_one_order() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &SETTINGS).await?;
    let log = log_of_this_test().with_extension("other.log");
    let launch = Launch::new(SERVER, &app.database.url(), log);
    let mut launch = SETTINGS.iter().fold(launch, |launch, (name, value)| launch.with(name, value));
    app.server.secret().clone_into(&mut launch.secret);
    let other = Server::start(launch).await?;
    let outcome = crash::race(Until::Acknowledged(1_000), &app, &other).await?;
    check(&outcome)
}

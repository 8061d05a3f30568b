//! A stop in good order, and starts that are refused.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{
    Fault,
    database::Database,
    fault::same,
    person::Person,
    server::{Launch, Server},
    socket::{EndReason, Socket},
    test_app::{TestApp, log_of_this_test},
    tokio_postgres::{Client, Transaction},
    wait,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// 31 bytes.
const TOO_SHORT: &str = "one-byte-less-than-it-takes-...";
const STOP_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_answers_what_runs_and_closes_every_socket() -> Result<(), Fault> {
    let mut app = TestApp::start(SERVER).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = app.conversation(&salon, &client).await?;
    let sockets = [app.socket(&salon).await?, app.socket(&client).await?];

    // A request that runs for as long as we hold the table.
    let mut holder = app.database.client().await?;
    let lock = hold_messages(&mut holder).await?;
    let rest = app.rest(&client)?;
    let path = format!("/messaging/conversations/{conversation}/messages");
    let running =
        tokio::spawn(async move { rest.post(&path, &json!({ "content": "Bonjour" })).await });
    let observer = app.database.client().await?;
    somebody_waits(&observer).await?;

    let stopping = Instant::now();
    app.server.terminate()?;
    for socket in sockets {
        closed(socket).await?;
    }
    lock.rollback().await.map_err(Fault::while_doing("let go of the table"))?;
    let answer = running.await.map_err(Fault::while_doing("wait for the request"))??;
    answer.expect(201)?;
    let status = app.server.ended().await?;
    same("the exit status", status.code(), Some(0))?;
    assert!(stopping.elapsed() < STOP_MAX, "it took too long to stop");
    Ok(())
}

async fn hold_messages(client: &mut Client) -> Result<Transaction<'_>, Fault> {
    let lock = client.transaction().await.map_err(Fault::while_doing("begin"))?;
    lock.batch_execute("LOCK TABLE messaging.message IN ACCESS EXCLUSIVE MODE")
        .await
        .map_err(Fault::while_doing("hold the table"))?;
    Ok(lock)
}

async fn somebody_waits(observer: &Client) -> Result<(), Fault> {
    wait::until("a request that waits for the table", async || {
        let waiting = observer
            .query_one(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
                &[],
            )
            .await
            .map_err(Fault::while_doing("look for waiting requests"))?;
        Ok((waiting.get::<_, i64>(0) > 0).then_some(()))
    })
    .await
}

async fn closed(socket: Socket) -> Result<(), Fault> {
    match socket.ended().await? {
        // The transport goes, not the namespace: stock clients then come back by themselves.
        EndReason::Closed(Some(1001)) => Ok(()),
        other => Err(Fault::new(format!("the socket ended otherwise: {other:?}"))),
    }
}

#[tokio::test]
async fn a_second_server_comes_up_where_the_first_one_stopped() -> Result<(), Fault> {
    let mut app = TestApp::start(SERVER).await?;
    app.server.terminate()?;
    let status = app.server.ended().await?;
    same("the exit status", status.code(), Some(0))?;
    app.server.restart().await?;
    app.anonymous().get("/health/ready").await?.expect(200).map(drop)
}

#[tokio::test]
async fn without_a_proper_secret_it_refuses_to_start_and_names_the_setting() -> Result<(), Fault> {
    let database = Database::fresh().await?;
    for secret in ["", TOO_SHORT] {
        let mut launch = Launch::new(SERVER, &database.url(), log_of_this_test());
        launch.secret = secret.to_owned();
        let mut server = Server::spawn(launch)?;
        let status = server.ended().await?;
        same("the exit status", status.code(), Some(2))?;
        let log = server.log()?;
        assert!(log.contains("JWT_SECRET"), "the setting is not named: {log}");
        assert!(secret.is_empty() || !log.contains(secret), "the secret is shown");
    }
    Ok(())
}

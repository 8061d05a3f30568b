//! A PostgreSQL that answers in French. What our callers hear does not depend on its words.

use std::path::Path;

use serde_json::{Value, json};
use testkit::{
    Fault,
    database::{self, Cluster, Database},
    fault::same,
    person::Person,
    rest::{Answer, Rest},
    server::{Launch, Server},
    test_app::{TestApp, log_of_this_test},
    tokio_postgres::Client,
    wait,
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");

/// A database that answers in French; `None`, and a line that says so, where PostgreSQL was
/// installed without its translation.
#[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
async fn french_database(cluster: &Cluster) -> Result<Option<Database>, Fault> {
    let database = Database::create(&cluster.url("postgres")).await?;
    if database.answer_in_french().await? {
        return Ok(Some(database));
    }
    eprintln!("not tested: this PostgreSQL was installed without its French translation");
    Ok(None)
}

async fn run(client: &Client, sql: &str) -> Result<(), Fault> {
    client.batch_execute(sql).await.map_err(Fault::while_doing(format!("run {sql}")))
}

// What goes wrong in the database.

/// The disk is full, for a write of PostgreSQL itself.
const FULL_DISK: &str = "COPY (SELECT repeat('x', 1000000)) TO '/dev/full';";

/// The space for temporary files is used up.
const NO_TEMPORARY_SPACE: &str = "SET LOCAL work_mem = '64kB';
    SET LOCAL temp_file_limit = '64kB';
    PERFORM count(*) FROM (SELECT i FROM generate_series(1, 100000) AS i ORDER BY i DESC) AS big;";

const TIMEOUT: &str = "PERFORM pg_sleep(600);";

/// Waits for a second lock with a first one in hand, once the gate is open.
const LOCKS: &str = "PERFORM pg_advisory_xact_lock(1);
    PERFORM pg_advisory_xact_lock(3);
    PERFORM pg_advisory_xact_lock(2);";
const GATE: i64 = 3;

struct Fixture {
    app: TestApp,
    rest: Rest,
    conversation: String,
}

/// What callers do here. A message is written by other code than a preference.
#[derive(Clone, Copy, Debug)]
enum Request {
    Message,
    Preference,
}

impl Fixture {
    async fn start(database: Database) -> Result<Self, Fault> {
        let timeout = ("DATABASE_STATEMENT_TIMEOUT_MS", "3000");
        let app = TestApp::start_on(SERVER, database, &[timeout]).await?;
        let salon = Person::salon("salon-1", "Encre Noire");
        let client = Person::client("client-1", "Camille", "Martin");
        let conversation = app.conversation(&salon, &client).await?;
        let rest = app.rest(&client)?;
        let triggers = "
            CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER fault BEFORE INSERT ON messaging.message
                FOR EACH ROW EXECUTE FUNCTION fault();
            CREATE TRIGGER fault BEFORE INSERT OR UPDATE ON messaging.preference
                FOR EACH ROW EXECUTE FUNCTION fault()";
        run(&app.database.client().await?, triggers).await?;
        Ok(Self { app, rest, conversation })
    }

    /// From now on every write runs `statements` first.
    async fn break_with(&self, statements: &str) -> Result<(), Fault> {
        let replace = format!(
            "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql
            AS $fault$ BEGIN {statements} RETURN NEW; END $fault$"
        );
        run(&self.app.database.client().await?, &replace).await
    }

    async fn ask(&self, request: Request) -> Result<Answer, Fault> {
        match request {
            Request::Message => {
                let path = format!("/messaging/conversations/{}/messages", self.conversation);
                self.rest.post(&path, &json!({ "content": "Bonjour" })).await
            }
            Request::Preference => {
                let change = json!({ "emailFrequency": "DAILY" });
                self.rest.patch("/notification-preferences", &change).await
            }
        }
    }

    /// How many messages and preferences are stored.
    async fn stored(&self) -> Result<i64, Fault> {
        let count = "SELECT (SELECT count(*) FROM messaging.message)
            + (SELECT count(*) FROM messaging.preference)";
        let row = self.app.database.client().await?.query_one(count, &[]).await;
        Ok(row.map_err(Fault::while_doing("count what is stored"))?.get(0))
    }
}

fn is_unavailable(answer: &Answer) -> Result<(), Fault> {
    same("the status", answer.status, 503)?;
    same("the code", answer.code(), "unavailable")?;
    same("the pause", answer.body["retryAfterMs"].as_u64(), Some(1_000))?;
    same("the header", answer.header("retry-after"), "1")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_room_and_no_time_are_told_from_other_failures() -> Result<(), Fault> {
    let cluster = database::french("test-french-faults")?;
    let Some(database) = french_database(&cluster).await? else { return Ok(()) };
    let fixture = Fixture::start(database).await?;
    let mut faults = vec![NO_TEMPORARY_SPACE, TIMEOUT];
    // Linux has a device that is always full.
    if Path::new("/dev/full").exists() {
        faults.push(FULL_DISK);
    }
    let before = fixture.stored().await?;
    for request in [Request::Message, Request::Preference] {
        for fault in &faults {
            fixture.break_with(fault).await?;
            let answer = fixture.ask(request).await?;
            let what = format!("{request:?} with {fault}");
            is_unavailable(&answer).map_err(Fault::while_doing(what))?;
        }
        fixture.break_with("RAISE EXCEPTION 'une faute';").await?;
        same("another failure", fixture.ask(request).await?.status, 500)?;
    }
    same("what is stored", fixture.stored().await?, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loser_of_a_deadlock_tries_again() -> Result<(), Fault> {
    let cluster = database::french("test-french-deadlock")?;
    let Some(database) = french_database(&cluster).await? else { return Ok(()) };
    let hasty = "DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''10ms''', current_database());
    END $$";
    run(&database.client().await?, hasty).await?;
    let fixture = Fixture::start(database).await?;
    fixture.break_with(LOCKS).await?;
    for request in [Request::Message, Request::Preference] {
        let before = fixture.stored().await?;
        let answer = lose_a_deadlock(&fixture, request).await?;
        same(&format!("the status of {request:?}"), answer.status / 100, 2)?;
        same("what is stored", fixture.stored().await?, before + 1)?;
    }
    Ok(())
}

/// Sends a request whose transaction and ours wait for each other. Ours never looks for deadlocks, so
/// PostgreSQL ends the other one.
async fn lose_a_deadlock(fixture: &Fixture, request: Request) -> Result<Answer, Fault> {
    let observer = fixture.app.database.client().await?;
    let ours = fixture.app.database.client().await?;
    run(&observer, &format!("SELECT pg_advisory_lock({GATE})")).await?;
    let begin = "SET deadlock_timeout = '1h'; BEGIN; SELECT pg_advisory_xact_lock(2)";
    run(&ours, begin).await?;
    let provoke = async {
        somebody_waits(&observer, GATE).await?;
        let opened = async {
            somebody_waits(&observer, 1).await?;
            run(&observer, &format!("SELECT pg_advisory_unlock({GATE})")).await
        };
        let ours = run(&ours, "SELECT pg_advisory_xact_lock(1); COMMIT");
        tokio::try_join!(ours, opened).map(drop)
    };
    let (answer, ()) = tokio::try_join!(fixture.ask(request), provoke)?;
    Ok(answer)
}

/// Waits until a session waits for an advisory lock.
async fn somebody_waits(observer: &Client, lock: i64) -> Result<(), Fault> {
    let waiting = "SELECT count(*) FROM pg_locks
        WHERE locktype = 'advisory' AND objid::bigint = $1 AND NOT granted";
    wait::until(&format!("a session that waits for lock {lock}"), async || {
        let row = observer.query_one(waiting, &[&lock]).await;
        let waiters: i64 = row.map_err(Fault::while_doing("look for waiting sessions"))?.get(0);
        Ok((waiters > 0).then_some(()))
    })
    .await
}

/// Whether a start of the server warns about the language of the database, once.
async fn start_warns(url: &str) -> Result<bool, Fault> {
    let server = Server::start(Launch::new(SERVER, url, log_of_this_test())).await?;
    let log = server.log()?;
    let lines: Vec<Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    same("log lines in JSON", lines.is_empty(), false)?;
    let about_language = log.lines().filter(|line| line.contains("SET lc_messages = 'C'"));
    match about_language.collect::<Vec<_>>()[..] {
        [] => Ok(false),
        [line] if line.to_lowercase().contains("warn") => Ok(true),
        _ => Err(Fault::new(format!("not one warning: {log}"))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_warns_where_our_role_may_not_choose_english() -> Result<(), Fault> {
    let cluster = database::french("test-french-role")?;
    let Some(database) = french_database(&cluster).await? else { return Ok(()) };
    let superuser = database.client().await?;
    let owner = "CREATE ROLE messaging LOGIN;
        DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO messaging', current_database()); END $$";
    run(&superuser, owner).await?;
    let url = database.url().replace("//postgres@", "//messaging@");

    same("as a superuser", start_warns(&database.url()).await?, false)?;
    run(&superuser, "DROP SCHEMA messaging CASCADE").await?;
    same("as the owner", start_warns(&url).await?, true)?;

    // Executed as text, which PostgreSQL 14 would refuse to parse.
    let granted = "DO $$ BEGIN
        IF current_setting('server_version_num')::integer >= 150000 THEN
            EXECUTE 'GRANT SET ON PARAMETER lc_messages TO messaging';
        ELSE
            ALTER ROLE messaging SET lc_messages = 'C';
        END IF;
    END $$";
    run(&superuser, granted).await?;
    same("with the right to set it", start_warns(&url).await?, false)?;

    let revoked = granted.replace("GRANT", "REVOKE").replace(" TO mess", " FROM mess");
    run(&superuser, &revoked.replace("SET lc_messages = 'C'", "RESET lc_messages")).await?;
    same("without it again", start_warns(&url).await?, true)?;
    let english = "DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET lc_messages = ''C''', current_database());
    END $$";
    run(&superuser, english).await?;
    same("after what the warning advises", start_warns(&url).await?, false)
}

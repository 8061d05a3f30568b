//! Where the database is, as operators get it wrong: behind a connection pooler, or while another
//! node changes its schema.

use std::process::{Output, Stdio};

use testkit::{
    Fault,
    database::{Database, Pooled, StartupOptions},
    fault::same,
    reference::{self, Size},
    test_app::TestApp,
};
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
const SECRET: &str = "a secret for tests alone, long enough";
/// The number of the lock under which schemas are changed.
const LOCK: i64 = 7_305_808_867_233_591;

/// Runs the program to its end.
async fn run(
    arguments: &[&str],
    settings: &[(&str, &str)],
) -> Result<(Option<i32>, String), Fault> {
    let mut command = Command::new(SERVER);
    command
        .args(arguments)
        .env("JWT_SECRET", SECRET)
        .env("PORT", "0")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let Output { status, stdout, stderr } =
        command.output().await.map_err(Fault::while_doing("run the server"))?;
    let said = [stdout, stderr].concat();
    Ok((status.code(), String::from_utf8_lossy(&said).into_owned()))
}

fn has(said: &str, what: &str) -> Result<(), Fault> {
    if said.contains(what) { Ok(()) } else { Err(Fault::new(format!("no {what:?} in {said}"))) }
}

/// How many lists of migrations there are, in whichever schema.
async fn lists(database: &Database) -> Result<Vec<String>, Fault> {
    let lists =
        "SELECT schemaname::text FROM pg_tables WHERE tablename = '__diesel_schema_migrations'";
    let rows = database.client().await?.query(lists, &[]).await;
    let rows = rows.map_err(Fault::while_doing("look for lists of migrations"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_refused_at_the_start_and_nothing_is_left_behind()
-> Result<(), Fault> {
    let database = Database::fresh().await?;
    for options in [StartupOptions::Refused, StartupOptions::Dropped] {
        let pooled = Pooled::before(&database, options)?;
        for verb in ["serve", "migrate"] {
            let (code, said) = run(&[verb], &[("DATABASE_URL", &pooled.url())]).await?;
            same("the exit code", code, Some(2))?;
            has(
                &said,
                "DATABASE_URL leads to a connection pooler, such as PgBouncer, that refuses or drops",
            )?;
            has(&said, "set DATABASE_DIRECT_URL")?;
        }
        let settings =
            [("DATABASE_URL", &*database.url()), ("DATABASE_DIRECT_URL", &*pooled.url())];
        let (code, said) = run(&["serve"], &settings).await?;
        same("the exit code", code, Some(2))?;
        has(&said, "DATABASE_DIRECT_URL leads to a connection pooler")?;
        same("lists of migrations", lists(&database).await?, vec![])?;
    }
    Ok(())
}

/// The settings of a session that a database or a role brings along may be the ones we ask for.
#[tokio::test]
async fn a_pooler_whose_sessions_happen_to_have_our_settings_is_refused() -> Result<(), Fault> {
    let (from, into) = (Database::fresh().await?, Database::fresh().await?);
    let doing = || Fault::while_doing("give a database settings");
    for (database, setting) in
        [(&into, "statement_timeout = '5s'"), (&from, "default_transaction_read_only = on")]
    {
        let alter = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {}', current_database()); END $$",
            setting.replace('\'', "''"),
        );
        database.client().await?.batch_execute(&alter).await.map_err(doing())?;
    }
    let pooled = Pooled::before(&into, StartupOptions::Dropped)?;
    for verb in ["migrate", "serve"] {
        let (code, said) = run(&[verb], &[("DATABASE_URL", &pooled.url())]).await?;
        same("the exit code", code, Some(2))?;
        has(&said, "DATABASE_URL leads to a connection pooler")?;
    }
    same("lists of migrations", lists(&into).await?, vec![])?;

    let pooled = Pooled::before(&from, StartupOptions::Dropped)?;
    let settings = [("DATABASE_URL", &*into.url())];
    let (code, said) = run(&["import", "--from", &pooled.url()], &settings).await?;
    same("the exit code of an import", code, Some(2))?;
    has(&said, "the address of the source leads to a connection pooler")
}

#[tokio::test]
async fn with_an_address_past_the_pooler_everything_goes_past_it_and_the_start_says_so()
-> Result<(), Fault> {
    let database = Database::fresh().await?;
    let pooled = Pooled::before(&database, StartupOptions::Refused)?;
    let direct = database.url();
    let app = TestApp::start_on(
        SERVER,
        database,
        &[
            ("DATABASE_URL", &format!("{}?pgbouncer=true&statement_cache_size=0", pooled.url())),
            ("DATABASE_DIRECT_URL", &direct),
        ],
    )
    .await?;
    has(&app.server.log()?, "DATABASE_DIRECT_URL is set: it is used for everything")?;
    same("lists of migrations", lists(&app.database).await?, vec!["messaging".to_owned()])
}

#[tokio::test]
async fn an_import_from_behind_a_pooler_is_refused() -> Result<(), Fault> {
    let (from, into) = (Database::fresh().await?, Database::fresh().await?);
    for options in [StartupOptions::Refused, StartupOptions::Dropped] {
        let pooled = Pooled::before(&from, options)?;
        let settings = [("DATABASE_URL", &*into.url())];
        let (code, said) = run(&["import", "--from", &pooled.url()], &settings).await?;
        same("the exit code", code, Some(2))?;
        has(&said, "the address of the source leads to a connection pooler")?;
    }
    Ok(())
}

#[tokio::test]
async fn the_schema_of_an_address_is_where_an_import_looks_for_tables() -> Result<(), Fault> {
    let (from, into) = (Database::fresh().await?, Database::fresh().await?);
    let client = from.client().await?;
    let doing = || Fault::while_doing("name the schema");
    client
        .batch_execute("CREATE SCHEMA \"Old app\"; SET search_path TO \"Old app\"")
        .await
        .map_err(doing())?;
    reference::fill(&client, Size { conversations: 50, messages: 100 }).await?;
    let settings = [("DATABASE_URL", &*format!("{}?schema=public", into.url()))];
    let (code, said) = run(&["import", "--from", &from.url()], &settings).await?;
    same("the exit code without a schema", code, Some(1))?;
    has(&said, "it lacks \\\"User\\\"")?;
    let named = format!("{}?schema=Old%20app&connection_limit=1", from.url());
    let (code, said) = run(&["import", "--dry-run", "--from", &named], &settings).await?;
    same("the exit code with it", code, Some(0))?;
    has(&said, "new       conversation")
}

#[tokio::test]
async fn the_list_of_migrations_is_in_our_schema_wherever_the_search_path_leads()
-> Result<(), Fault> {
    let database = Database::fresh().await?;
    let client = database.client().await?;
    let elsewhere = "CREATE SCHEMA elsewhere; DO $$ BEGIN
        EXECUTE format('ALTER DATABASE %I SET search_path = elsewhere, public', current_database());
    END $$";
    client.batch_execute(elsewhere).await.map_err(Fault::while_doing("set a search path"))?;
    let url = format!("{}?options=-c%20search_path%3Delsewhere", database.url());
    let (code, said) = run(&["migrate"], &[("DATABASE_URL", &url)]).await?;
    same(&format!("the exit code: {said}"), code, Some(0))?;
    same("lists of migrations", lists(&database).await?, vec!["messaging".to_owned()])
}

#[tokio::test]
async fn a_database_that_another_line_of_versions_made_is_refused_at_the_start() -> Result<(), Fault>
{
    let database = Database::fresh().await?;
    let url = database.url();
    let (code, said) = run(&["migrate"], &[("DATABASE_URL", &url)]).await?;
    same(&format!("the exit code: {said}"), code, Some(0))?;
    let client = database.client().await?;
    client
        .batch_execute(
            "UPDATE messaging.__diesel_schema_migrations SET version = '20261122100000'
            WHERE version = (SELECT min(version) FROM messaging.__diesel_schema_migrations)",
        )
        .await
        .map_err(Fault::while_doing("age the list of migrations"))?;
    for (verb, may_migrate) in [("serve", "true"), ("serve", "false"), ("migrate", "true")] {
        let settings = [("DATABASE_URL", &*url), ("DATABASE_RUN_MIGRATIONS", may_migrate)];
        let (code, said) = run(&[verb], &settings).await?;
        same("the exit code", code, Some(2))?;
        has(&said, "nothing was changed in the database: use an empty one")?;
        has(&said, "migrations 20261122100000 are applied and not known here")?;
    }
    Ok(())
}

#[tokio::test]
async fn who_waits_for_another_node_s_migrations_says_for_whom_and_ends_with_the_start_wait()
-> Result<(), Fault> {
    let database = Database::fresh().await?;
    let client = database.client().await?;
    let hold = format!("SET application_name = 'another node'; SELECT pg_advisory_lock({LOCK})");
    client.batch_execute(&hold).await.map_err(Fault::while_doing("take the lock"))?;
    let pid = client.query_one("SELECT pg_backend_pid()", &[]).await;
    let pid: i32 = pid.map_err(Fault::while_doing("ask who holds it"))?.get(0);

    for verb in ["serve", "migrate"] {
        let settings = [
            ("DATABASE_URL", &*database.url()),
            ("DATABASE_START_WAIT_S", "2"),
            ("LOG_FORMAT", "json"),
        ];
        let (code, said) = run(&[verb], &settings).await?;
        same("the exit code", code, Some(1))?;
        let report = said.lines().find(|line| line.contains("another session changes the schema"));
        let report = report.ok_or_else(|| Fault::new(format!("nothing is said in {said}")))?;
        has(report, &format!("\"pid\":{pid}"))?;
        has(report, "\"application_name\":\"another node\"")?;
        has(&said, "did not end in time")?;
    }
    same("lists of migrations", lists(&database).await?, vec![])?;

    client
        .batch_execute("SELECT pg_advisory_unlock_all()")
        .await
        .map_err(Fault::while_doing("let go"))?;
    let (code, _) = run(&["migrate"], &[("DATABASE_URL", &database.url())]).await?;
    same("the exit code once it is free", code, Some(0))
}

//! The backup drill of `cargo xtask drill`, small, each way that a database can be saved.

use std::io::{Write as _, stderr};

use testkit::{
    Fault,
    backup::BackupMethod,
    database::Database,
    drill::{Plan, run},
    test_app::log_of_this_test,
};

use crate::SERVER;

async fn drilled(method: BackupMethod, from: Database) -> Result<(), Fault> {
    let plan = Plan {
        server: SERVER.into(),
        folder: log_of_this_test().with_extension("drill"),
        method,
        clients: 5,
        messages: 4,
    };
    let mut transcript = Vec::new();
    run(&plan, from, Database::fresh().await?, &mut transcript).await?;
    let transcript = String::from_utf8_lossy(&transcript);
    assert!(transcript.contains("All 11 promises were kept."), "{transcript}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_saved_table_by_table_comes_back_and_forgets_again() -> Result<(), Fault>
{
    drilled(BackupMethod::Copy, Database::fresh().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_saved_by_pg_dump_comes_back_and_forgets_again() -> Result<(), Fault> {
    let from = Database::fresh().await?;
    let method = BackupMethod::best(&from.url()).await?;
    if matches!(method, BackupMethod::Copy) {
        // Not `eprintln`, which the test harness captures of a test that passes.
        let loudly = "NOT TESTED: a backup by pg_dump, which is not beside this PostgreSQL";
        writeln!(stderr(), "{loudly}").map_err(Fault::while_doing("say what was not tested"))?;
    }
    drilled(method, from).await
}

//! Backup by `COPY`: every table from one snapshot, in PostgreSQL's binary format, with the names of
//! the applied migrations.

use std::{fs, path::Path};

use futures_util::{SinkExt as _, TryStreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio_postgres::Client;

use super::tables::{self, Table};
use crate::{Fault, database, fault::same};

const MIGRATIONS: &str = "migrations";
/// The size of a chunk sent to `COPY`.
const CHUNK_BYTES: usize = 64 * 1024;
/// The last value of every sequence. It may be beyond the stored rows, after a rollback.
const SEQUENCES: &str = "
SELECT quote_literal(format('%I.%I', schemaname, sequencename)), coalesce(last_value, 0)
FROM pg_sequences WHERE schemaname = 'messaging' ORDER BY 1";

/// Backs up the database with this URL into a folder.
pub(super) async fn dump(url: &str, folder: &Path) -> Result<(), Fault> {
    fs::create_dir_all(folder).map_err(Fault::while_doing("make a folder"))?;
    let client = database::connect(url).await?;
    run(&client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let migrations = tables::migrations(&client).await?.join("\n");
    write(&folder.join(MIGRATIONS), &migrations)?;
    write(&folder.join("sequences.sql"), &sequences(&client).await?)?;
    for table in tables::tables(&client).await? {
        let saved = save(&client, &table, folder).await;
        saved.map_err(Fault::while_doing(format!("save {}", table.name)))?;
    }
    run(&client, "COMMIT").await
}

/// Restores into a database just created by the same migrations, in one transaction.
pub(super) async fn restore(url: &str, folder: &Path) -> Result<(), Fault> {
    let client = database::connect(url).await?;
    let migrations = tables::migrations(&client).await?.join("\n");
    same("the migrations of the backup", read(&folder.join(MIGRATIONS))?, migrations)?;
    // Disables foreign keys and triggers: rows come in any order, and include what triggers wrote.
    run(&client, "BEGIN; SET LOCAL session_replication_role = replica").await?;
    let tables = tables::tables(&client).await?;
    let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
    // Some tables contain rows inserted by migrations.
    run(&client, &format!("TRUNCATE {}", names.join(", "))).await?;
    for table in &tables {
        let filled = fill(&client, table, folder).await;
        filled.map_err(Fault::while_doing(format!("fill {}", table.name)))?;
    }
    run(&client, &read(&folder.join("sequences.sql"))?).await?;
    run(&client, "COMMIT; ANALYZE").await
}

async fn save(client: &Client, table: &Table, folder: &Path) -> Result<(), Fault> {
    let Table { name, columns } = table;
    let copy = format!("COPY {name} ({columns}) TO STDOUT (FORMAT binary)");
    let rows = client.copy_out(copy.as_str()).await.map_err(Fault::while_doing("begin"))?;
    let file = tokio::fs::File::create(folder.join(name)).await;
    let mut file = file.map_err(Fault::while_doing("create its file"))?;
    let mut rows = std::pin::pin!(rows);
    while let Some(chunk) = rows.try_next().await.map_err(Fault::while_doing("read its rows"))? {
        file.write_all(&chunk).await.map_err(Fault::while_doing("write its file"))?;
    }
    file.sync_all().await.map_err(Fault::while_doing("write its file"))
}

async fn fill(client: &Client, table: &Table, folder: &Path) -> Result<(), Fault> {
    let Table { name, columns } = table;
    let copy = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
    let rows = fs::read(folder.join(name)).map_err(Fault::while_doing("read its file"))?;
    let sink = client.copy_in(copy.as_str()).await.map_err(Fault::while_doing("begin"))?;
    let mut sink = std::pin::pin!(sink);
    for chunk in rows.chunks(CHUNK_BYTES) {
        let sent = sink.send(std::io::Cursor::new(chunk.to_vec())).await;
        sent.map_err(Fault::while_doing("write its rows"))?;
    }
    sink.finish().await.map(drop).map_err(Fault::while_doing("finish"))
}

/// SQL that sets every sequence to its current value.
async fn sequences(client: &Client) -> Result<String, Fault> {
    let rows = client.query(SEQUENCES, &[]).await;
    let rows = rows.map_err(Fault::while_doing("list the sequences"))?;
    let set = rows.iter().filter(|row| row.get::<_, i64>(1) > 0).map(|row| {
        let (name, value): (String, i64) = (row.get(0), row.get(1));
        format!("SELECT setval({name}, {value});\n")
    });
    Ok(set.collect())
}

async fn run(client: &Client, sql: &str) -> Result<(), Fault> {
    client.batch_execute(sql).await.map_err(Fault::while_doing("run SQL"))
}

fn write(file: &Path, text: &str) -> Result<(), Fault> {
    fs::write(file, text).map_err(Fault::while_doing(format!("write {}", file.display())))
}

fn read(file: &Path) -> Result<String, Fault> {
    fs::read_to_string(file).map_err(Fault::while_doing(format!("read {}", file.display())))
}

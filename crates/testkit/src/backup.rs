//! Backups as an operator makes them: first the database, then the files, which never change once
//! written.

pub mod copy;
pub mod tables;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use xtask::postgres::DumpPrograms;

use crate::{Fault, database, operator::Operator};

pub use tables::Rows;

/// How a database is backed up.
#[derive(Clone, Debug)]
pub enum BackupMethod {
    /// By `pg_dump`, in its custom format.
    Programs(DumpPrograms),
    /// By `COPY`, table by table from one database snapshot; the schema comes from the migrations.
    Copy,
}

impl BackupMethod {
    /// `pg_dump` if it is installed with the PostgreSQL of this workspace and supports the server
    /// with this URL, else `COPY`.
    ///
    /// # Errors
    /// When the server's version cannot be queried.
    pub async fn best(url: &str) -> Result<Self, Fault> {
        let found = DumpPrograms::find().map_err(Fault::while_doing("look for pg_dump"))?;
        let client = database::connect(url).await?;
        let query = client.query_one("SELECT current_setting('server_version_num')::int", &[]);
        let version: i32 = query.await.map_err(Fault::while_doing("query the version"))?.get(0);
        let major = u32::try_from(version / 10_000).unwrap_or(u32::MAX);
        let known = found.filter(|programs| major <= programs.major());
        Ok(known.map_or(Self::Copy, Self::Programs))
    }

    /// Its name in a transcript.
    pub fn name(&self) -> String {
        match self {
            Self::Programs(programs) => {
                format!("pg_dump {} (-Fc) and pg_restore", programs.major())
            }
            Self::Copy => "COPY, table by table (no pg_dump beside this PostgreSQL)".to_owned(),
        }
    }
}

/// A plain-text dump of the database with this URL. `None` without `pg_dump`.
///
/// # Errors
/// When it cannot be made.
pub async fn as_text(url: &str) -> Result<Option<Vec<u8>>, Fault> {
    match BackupMethod::best(url).await? {
        BackupMethod::Programs(programs) => text(&programs, url).await.map(Some),
        BackupMethod::Copy => Ok(None),
    }
}

/// A backup in a folder.
#[derive(Debug)]
pub struct Backup {
    method: BackupMethod,
    folder: PathBuf,
}

impl Backup {
    /// Backs up the database with this URL and the folder `files` into `folder`, which is emptied
    /// first.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub async fn take(
        method: BackupMethod,
        folder: &Path,
        url: &str,
        files: &Path,
    ) -> Result<Self, Fault> {
        empty_folder(folder)?;
        let backup = Self { method, folder: folder.to_owned() };
        match &backup.method {
            BackupMethod::Programs(programs) => dump(programs, url, &backup.dump()).await?,
            BackupMethod::Copy => copy::dump(url, &backup.dump()).await?,
        }
        copy(files, &backup.files())?;
        Ok(backup)
    }

    /// Restores the backup into the empty database with this URL and into `files`, which is emptied
    /// first. `server` is the program of the service.
    ///
    /// # Errors
    /// When something cannot be read or written, or the database is not empty.
    pub async fn restore(&self, server: &Path, url: &str, files: &Path) -> Result<(), Fault> {
        match &self.method {
            BackupMethod::Programs(programs) => restore(programs, url, &self.dump()).await?,
            BackupMethod::Copy => {
                Operator::new(server, url).run(&["migrate"]).await?;
                copy::restore(url, &self.dump()).await?;
            }
        }
        empty_folder(files)?;
        copy(&self.files(), files)
    }

    /// The size of the saved database in bytes.
    ///
    /// # Errors
    /// When the backup cannot be read.
    pub fn database_bytes(&self) -> Result<u64, Fault> {
        let dump = self.dump();
        if dump.is_dir() {
            return Ok(files_below(&dump)?.values().map(|bytes| bytes.len() as u64).sum());
        }
        let found = fs::metadata(&dump).map_err(Fault::while_doing("look at the dump"))?;
        Ok(found.len())
    }

    /// The folder of the saved files.
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    fn dump(&self) -> PathBuf {
        self.folder.join("database")
    }
}

/// All files below a folder, by relative path. Empty if the folder does not exist.
///
/// # Errors
/// When one cannot be read.
pub fn files_below(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Fault> {
    let mut found = BTreeMap::new();
    match collect_files(folder, "", &mut found) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::while_doing(format!("read {}", folder.display()))(error))
        }
        _ => Ok(found),
    }
}

fn collect_files(
    folder: &Path,
    prefix: &str,
    found: &mut BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect_files(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Copies the contents of one folder into another.
fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let write = |name: &str, bytes: &[u8]| {
        let path = to.join(name);
        fs::create_dir_all(path.parent().unwrap_or(to))?;
        fs::write(path, bytes)
    };
    for (name, bytes) in files_below(from)? {
        write(&name, &bytes).map_err(Fault::while_doing(format!("copy {name}")))?;
    }
    Ok(())
}

/// Removes the folder and creates it again.
///
/// # Errors
/// When it cannot be removed or created.
pub fn empty_folder(folder: &Path) -> Result<(), Fault> {
    let result = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    result.map_err(Fault::while_doing(format!("empty {}", folder.display())))
}

/// Dumps the database with this URL into a file.
async fn dump(programs: &DumpPrograms, url: &str, file: &Path) -> Result<(), Fault> {
    let mut call = programs.dump();
    call.args(["--format=custom", "--no-owner", "--schema=messaging", "--dbname", url, "--file"]);
    call.arg(file);
    output("pg_dump", call).await.map(drop)
}

/// Dumps the database with this URL as SQL.
async fn text(programs: &DumpPrograms, url: &str) -> Result<Vec<u8>, Fault> {
    let mut call = programs.dump();
    call.args(["--format=plain", "--dbname", url]);
    output("pg_dump", call).await
}

/// Restores a file into the empty database with this URL, in one transaction.
async fn restore(programs: &DumpPrograms, url: &str, file: &Path) -> Result<(), Fault> {
    let mut call = programs.restore();
    call.args(["--no-owner", "--single-transaction", "--exit-on-error", "--dbname", url]).arg(file);
    output("pg_restore", call).await.map(drop)
}

async fn output(name: &str, call: Command) -> Result<Vec<u8>, Fault> {
    let output = tokio::process::Command::from(call).output().await;
    let output = output.map_err(Fault::while_doing(format!("start {name}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Fault::new(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr))))
}

//! A service, saved as an operator saves it: its database first, then its files, which are never
//! changed once they are there.

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

/// How a database is saved.
#[derive(Clone, Debug)]
pub enum Way {
    /// By PostgreSQL's own programs, in its custom format.
    Programs(DumpPrograms),
    /// By `COPY`, one table after the other, as of one moment; the schema comes from the migrations.
    Copy,
}

impl Way {
    /// PostgreSQL's programs when they stand beside the PostgreSQL of this workspace and know the
    /// server with this URL, else `COPY`.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub async fn best(url: &str) -> Result<Self, Fault> {
        let found = DumpPrograms::find().map_err(Fault::while_doing("look for pg_dump"))?;
        let client = database::connect(url).await?;
        let asked = client.query_one("SELECT current_setting('server_version_num')::int", &[]);
        let version: i32 = asked.await.map_err(Fault::while_doing("ask for the version"))?.get(0);
        let major = u32::try_from(version / 10_000).unwrap_or(u32::MAX);
        let known = found.filter(|programs| major <= programs.major());
        Ok(known.map_or(Self::Copy, Self::Programs))
    }

    /// What a transcript calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Programs(programs) => {
                format!("pg_dump {} (-Fc) and pg_restore", programs.major())
            }
            Self::Copy => "COPY, table by table (no pg_dump beside this PostgreSQL)".to_owned(),
        }
    }
}

/// A dump of the database with this URL for people to read. `None` where there is no `pg_dump`.
///
/// # Errors
/// When it cannot be made.
pub async fn as_text(url: &str) -> Result<Option<Vec<u8>>, Fault> {
    match Way::best(url).await? {
        Way::Programs(programs) => text(&programs, url).await.map(Some),
        Way::Copy => Ok(None),
    }
}

/// A backup in a folder.
#[derive(Debug)]
pub struct Backup {
    way: Way,
    folder: PathBuf,
}

impl Backup {
    /// Saves the database with this URL and the files in a folder, into `folder`, which is emptied.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub async fn take(way: Way, folder: &Path, url: &str, files: &Path) -> Result<Self, Fault> {
        emptied(folder)?;
        let backup = Self { way, folder: folder.to_owned() };
        match &backup.way {
            Way::Programs(programs) => dump(programs, url, &backup.dump()).await?,
            Way::Copy => copy::dump(url, &backup.dump()).await?,
        }
        copy(files, &backup.files())?;
        Ok(backup)
    }

    /// Brings everything back: into the empty database with this URL, and into `files`, which is
    /// emptied. `server` is the program of the service.
    ///
    /// # Errors
    /// When something cannot be read or written, or the database is not empty.
    pub async fn restore(&self, server: &Path, url: &str, files: &Path) -> Result<(), Fault> {
        match &self.way {
            Way::Programs(programs) => restore(programs, url, &self.dump()).await?,
            Way::Copy => {
                Operator::new(server, url).run(&["migrate"]).await?;
                copy::restore(url, &self.dump()).await?;
            }
        }
        emptied(files)?;
        copy(&self.files(), files)
    }

    /// How large the saved database is, in bytes.
    ///
    /// # Errors
    /// When the backup is gone.
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

/// Every file below a folder: its path from there, and its bytes. None when there is no folder.
///
/// # Errors
/// When one cannot be read.
pub fn files_below(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Fault> {
    let mut found = BTreeMap::new();
    match gather(folder, "", &mut found) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::while_doing(format!("read {}", folder.display()))(error))
        }
        _ => Ok(found),
    }
}

fn gather(folder: &Path, above: &str, found: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(())
}

/// Copies what is in one folder into another.
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

/// Makes sure that there is an empty folder in this place.
///
/// # Errors
/// When what is there cannot be removed.
pub fn emptied(folder: &Path) -> Result<(), Fault> {
    let emptied = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    };
    emptied.map_err(Fault::while_doing(format!("empty {}", folder.display())))
}

/// Saves the database with this URL in a file.
async fn dump(programs: &DumpPrograms, url: &str, file: &Path) -> Result<(), Fault> {
    let mut call = programs.dump();
    call.args(["--format=custom", "--no-owner", "--schema=messaging", "--dbname", url, "--file"]);
    call.arg(file);
    output("pg_dump", call).await.map(drop)
}

/// What the database with this URL says as SQL.
async fn text(programs: &DumpPrograms, url: &str) -> Result<Vec<u8>, Fault> {
    let mut call = programs.dump();
    call.args(["--format=plain", "--dbname", url]);
    output("pg_dump", call).await
}

/// Fills the empty database with this URL from a file, wholly or not at all.
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

//! An archive, downloaded and unpacked.

use std::{
    fs,
    io::{Cursor, ErrorKind},
    path::{Path, PathBuf},
};

use serde_json::Value;
use testkit::{
    Fault,
    fault::same,
    rest::{Rest, fetch},
    test_app::text,
};
use zip::ZipArchive;

use crate::ready;

/// The folder that an archive was unpacked into. It stays, for inspection.
pub(crate) struct Unpacked(PathBuf);

impl Unpacked {
    /// Fetches somebody's data by their link, and unpacks them into a folder of this name.
    pub(crate) async fn of(who: &Rest, name: &str) -> Result<Self, Fault> {
        let link = text(&ready(who).await?, "url")?;
        let fetched = fetch(&link).await?;
        same("what the link gives", fetched.status, 200)?;
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("export-{name}"));
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Fault::while_doing("remove what was unpacked before")(error));
            }
            _ => {}
        }
        let archive = ZipArchive::new(Cursor::new(fetched.bytes));
        let mut archive = archive.map_err(Fault::while_doing("open the archive"))?;
        archive.extract(&folder).map_err(Fault::while_doing("unpack the archive"))?;
        Ok(Self(folder))
    }

    /// Where a browser finds the page.
    pub(crate) fn page_url(&self) -> String {
        format!("file://{}", self.0.join("index.html").display())
    }

    /// What a file says.
    pub(crate) fn words(&self, file: &str) -> Result<String, Fault> {
        fs::read_to_string(self.0.join(file)).map_err(Fault::while_doing(file))
    }

    /// What programs read.
    pub(crate) fn data(&self) -> Result<Value, Fault> {
        serde_json::from_str(&self.words("data.json")?)
            .map_err(Fault::while_doing("read data.json"))
    }
}

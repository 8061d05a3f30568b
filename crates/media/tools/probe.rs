//! `media-probe FOLDER FILE DECLARED`: keeps a file in a folder as the server does, and says what
//! became of it and how much memory that took. The tests run it so that each file has a process of
//! its own.
#![expect(clippy::print_stdout, reason = "it is a tool: this is its answer")]

use std::{
    error::Error,
    fs::{self, File},
    io::Read,
    path::PathBuf,
};

use async_trait::async_trait;
use domain::{
    conversation::attachment::{ObjectKey, PictureKeys},
    ids::UserId,
    ports::{Chunks, Files, Interrupted, KeepError},
};
use media::{Media, Settings, Storage};

const PIECE_BYTES: usize = 64 * 1024;

struct Pieces {
    file: File,
    bytes: u64,
}

#[async_trait]
impl Chunks for Pieces {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        let mut piece = vec![0; PIECE_BYTES];
        let len = self.file.read(&mut piece).map_err(|_| Interrupted)?;
        self.bytes += len as u64;
        piece.truncate(len);
        Ok((len > 0).then_some(piece))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: media-probe FOLDER FILE DECLARED");
    let folder = PathBuf::from(next()?);
    let mut pieces = Pieces { file: File::open(next()?)?, bytes: 0 };
    let declared = next()?;
    let media = Media::new(&Settings { storage: Storage::Folder(folder), ..Settings::default() })?;
    let keys = PictureKeys {
        full: ObjectKey::parse("probe/full")?,
        thumbnail: ObjectKey::parse("probe/thumbnail")?,
    };
    let owner = UserId::parse("probe")?;
    let before_kib = peak_kib()?;
    let outcome = media.keep(&owner, &keys, Some(&declared), &mut pieces).await;
    println!("outcome {}", name(&outcome));
    println!("read_bytes {}", pieces.bytes);
    println!("before_kib {before_kib}");
    println!("peak_kib {}", peak_kib()?);
    Ok(())
}

fn name<T>(outcome: &Result<T, KeepError>) -> &'static str {
    match outcome {
        Ok(_) => "Kept",
        Err(KeepError::Interrupted(_)) => "Interrupted",
        Err(KeepError::TooLarge) => "TooLarge",
        Err(KeepError::TypeNotAllowed) => "TypeNotAllowed",
        Err(KeepError::Unreadable) => "Unreadable",
        Err(KeepError::TooManyPixels) => "TooManyPixels",
        Err(KeepError::Busy) => "Busy",
        Err(KeepError::TooManyAtOnce) => "TooManyAtOnce",
        Err(KeepError::Failed(_)) => "Failed",
    }
}

/// The most memory that this process ever had, in KiB; 0 where the system does not say.
fn peak_kib() -> Result<u64, Box<dyn Error>> {
    let Ok(status) = fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

use std::{fmt, io, path::PathBuf};

use domain::conversation::attachment::FILE_MAX_BYTES;
use secrecy::SecretString;

/// Where UploadThing is asked to delete files.
pub const UPLOADTHING_URL: &str = "https://api.uploadthing.com";

/// What pictures may be, where they are kept, and how many are looked at.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they are kept.
    pub storage: Storage,
    /// The service that deletes what was uploaded to it. `None`: hosted files are not deleted.
    pub uploadthing: Option<UploadThing>,
    /// What a picture may be.
    pub bounds: Bounds,
    /// How many uploads are taken at once; each holds up to [`Bounds::file_bytes_max`] in memory.
    pub uploads_at_once_max: usize,
    /// How many pictures are decoded at once; the others wait. See the crate's first page for the
    /// memory that each takes.
    pub pictures_at_once_max: usize,
    /// How long a call over the network may take, in milliseconds.
    pub call_timeout_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            storage: Storage::Folder(PathBuf::from("data/files")),
            uploadthing: None,
            bounds: Bounds::default(),
            uploads_at_once_max: 16,
            pictures_at_once_max: 2,
            call_timeout_ms: 10_000,
        }
    }
}

/// What a picture may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The largest file, before and after it is cleaned, in bytes: at most [`FILE_MAX_BYTES`].
    pub file_bytes_max: u32,
    /// The most pixels of a picture.
    pub pixels_max: u64,
    /// The longest side, in pixels.
    pub side_px_max: u32,
    /// The most frames of an animation.
    pub frames_max: u32,
    /// The most pixels of all frames of an animation, each counted as large as the whole picture.
    pub frame_pixels_max: u64,
    /// The longest side of the small picture, in pixels.
    pub thumbnail_side_px: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            file_bytes_max: FILE_MAX_BYTES,
            pixels_max: 50_000_000,
            side_px_max: 20_000,
            frames_max: 1_000,
            frame_pixels_max: 500_000_000,
            thumbnail_side_px: 480,
        }
    }
}

/// Where bytes are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A folder of this machine. It is made when it is not there, for this user alone.
    Folder(PathBuf),
    /// A bucket of a service that speaks S3.
    Bucket(Bucket),
}

/// A bucket, and who we are to it. Nothing else is looked for: no environment, no profile, no
/// metadata service.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The service's address; `None` for Amazon's own of the region.
    pub endpoint: Option<String>,
    /// The bucket's name.
    pub name: String,
    /// Its region; services without regions take `us-east-1`.
    pub region: String,
    /// Name the bucket in the path (most services that are not Amazon's) and not in the host name.
    pub path_style: bool,
    /// Connect without TLS, for a service on the same machine.
    pub http_allowed: bool,
    /// The public part of the credentials.
    pub access_key_id: String,
    /// The secret part.
    pub secret_access_key: SecretString,
}

/// The upload service that the shipped front end uses.
#[derive(Clone)]
pub struct UploadThing {
    /// `UPLOADTHING_TOKEN`, as its console shows it.
    pub token: SecretString,
    /// Its address. Only this machine may be addressed without TLS.
    pub base_url: String,
}

impl UploadThing {
    /// The service at its public address.
    pub fn new(token: SecretString) -> Self {
        Self { token, base_url: UPLOADTHING_URL.to_owned() }
    }
}

impl fmt::Debug for UploadThing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadThing").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Why there is no [`Media`](crate::Media).
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A bound is zero or above what it may be.
    #[error("{0} is not within its bounds")]
    Bound(&'static str),
    /// The folder is not there and cannot be made, or cannot be written to.
    #[error("the folder for files cannot be used")]
    Folder(#[source] io::Error),
    /// The bucket's settings contradict one another, or its endpoint is no address.
    #[error("the bucket for files cannot be used")]
    Bucket(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The bucket's endpoint has no TLS, and that is not allowed.
    #[error("the bucket's endpoint is not https")]
    BucketWithoutTls,
    /// `UPLOADTHING_TOKEN` is not base64 of JSON with an `apiKey`.
    #[error("the UploadThing token is none")]
    UploadThingToken,
    /// The address is none, or has no TLS and is not of this machine.
    #[error("the UploadThing address is not an https address")]
    UploadThingAddress,
    /// There is no client for HTTP.
    #[error("the HTTP client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Bounds {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let within = [
            ("file_bytes_max", (1..=FILE_MAX_BYTES).contains(&self.file_bytes_max)),
            ("pixels_max", (1..=1_000_000_000).contains(&self.pixels_max)),
            ("side_px_max", (1..=65_535).contains(&self.side_px_max)),
            ("frames_max", (1..=100_000).contains(&self.frames_max)),
            ("frame_pixels_max", (1..=100_000_000_000).contains(&self.frame_pixels_max)),
            ("thumbnail_side_px", (16..=2_048).contains(&self.thumbnail_side_px)),
        ];
        within
            .iter()
            .find(|(_, is)| !is)
            .map_or(Ok(()), |(name, _)| Err(SettingsError::Bound(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_of_nothing_is_refused_by_its_name() {
        assert!(Bounds::default().check().is_ok());
        let none = Bounds { pixels_max: 0, ..Bounds::default() };
        assert!(matches!(none.check(), Err(SettingsError::Bound("pixels_max"))));
        let more = Bounds { file_bytes_max: FILE_MAX_BYTES + 1, ..Bounds::default() };
        assert!(matches!(more.check(), Err(SettingsError::Bound("file_bytes_max"))));
    }

    #[test]
    fn settings_are_shown_without_their_secrets() {
        let secret = || SecretString::from("s3cret");
        let bucket = Bucket {
            endpoint: None,
            name: "pictures".into(),
            region: "eu-west-3".into(),
            path_style: false,
            http_allowed: false,
            access_key_id: "AK".into(),
            secret_access_key: secret(),
        };
        let settings = Settings {
            storage: Storage::Bucket(bucket),
            uploadthing: Some(UploadThing::new(secret())),
            ..Settings::default()
        };
        let shown = format!("{settings:?}");
        assert!(shown.contains("pictures") && !shown.contains("s3cret"), "{shown}");
    }
}

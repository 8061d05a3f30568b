use std::{fmt, io, path::PathBuf};

use domain::conversation::attachment::FILE_MAX_BYTES;
use secrecy::SecretString;

/// The URL of the API of UploadThing.
pub const UPLOADTHING_URL: &str = "https://api.uploadthing.com";

/// The settings of file storage and pictures.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where files are stored.
    pub storage: Storage,
    /// The upload service. `None`: hosted files are not deleted.
    pub uploadthing: Option<UploadThing>,
    /// The bounds of a picture.
    pub bounds: Bounds,
    /// How many bytes all uploads hold in memory together: at least [`Bounds::file_bytes_max`].
    pub upload_bytes_max: u64,
    /// How many uploads of one person are received and processed at once; further ones wait unread.
    pub uploads_per_person_max: usize,
    /// How many uploads of one person may wait for the person's own.
    pub uploads_waiting_per_person_max: usize,
    /// How many complete uploads wait for a decoder, are decoded, or are stored, at once.
    pub uploads_at_once_max: usize,
    /// How many pictures are decoded at once; the others wait. See the documentation of the crate for their memory.
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
            upload_bytes_max: 167_772_160,
            uploads_per_person_max: 2,
            uploads_waiting_per_person_max: 8,
            uploads_at_once_max: 16,
            pictures_at_once_max: 2,
            call_timeout_ms: 10_000,
        }
    }
}

/// The bounds of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The maximum size of a file, before and after it is sanitized, in bytes: at most [`FILE_MAX_BYTES`].
    pub file_bytes_max: u32,
    /// The maximum number of pixels of a picture.
    pub pixels_max: u64,
    /// The maximum side, in pixels.
    pub side_px_max: u32,
    /// The maximum number of frames of an animation.
    pub frames_max: u32,
    /// The maximum number of pixels of all frames of an animation, each counted as large as the canvas.
    pub frame_pixels_max: u64,
    /// The maximum number of pixels of all scans of a JPEG, each counted as large as the picture.
    pub scan_pixels_max: u64,
    /// How long the frames of an animation may take to decode, in milliseconds; checked before each.
    pub frames_deadline_ms: u64,
    /// The maximum side of a thumbnail, in pixels.
    pub thumbnail_side_px: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            file_bytes_max: FILE_MAX_BYTES,
            pixels_max: 50_000_000,
            side_px_max: 20_000,
            frames_max: 1_000,
            frame_pixels_max: 200_000_000,
            scan_pixels_max: 500_000_000,
            frames_deadline_ms: 10_000,
            thumbnail_side_px: 480,
        }
    }
}

/// Where files are stored.
#[derive(Clone, Debug)]
pub enum Storage {
    /// A folder on this machine. Created if absent, accessible to this user only.
    Folder(PathBuf),
    /// A bucket of an S3 service.
    Bucket(Bucket),
}

/// A bucket with its credentials. Neither environment variables nor profiles nor a metadata service are used.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The URL of the service; `None` for that of Amazon for the region.
    pub endpoint: Option<String>,
    /// The name of the bucket.
    pub name: String,
    /// Its region; `us-east-1` for services without regions.
    pub region: String,
    /// Whether the bucket is named in the path, as for most services other than Amazon's, and not in the host name.
    pub path_style: bool,
    /// Whether TLS is not required, for a service on the same machine.
    pub http_allowed: bool,
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
}

/// The upload service that the shipped front end uses.
#[derive(Clone)]
pub struct UploadThing {
    /// `UPLOADTHING_TOKEN`, as its console shows it.
    pub token: SecretString,
    /// The URL of its API. Only that of localhost may be without TLS.
    pub base_url: String,
}

impl UploadThing {
    /// The service at its public URL.
    pub fn new(token: SecretString) -> Self {
        Self { token, base_url: UPLOADTHING_URL.to_owned() }
    }
}

impl fmt::Debug for UploadThing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadThing").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Why [`Media`](crate::Media) cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A bound is out of range.
    #[error("{0} is out of range")]
    Bound(&'static str),
    /// The folder cannot be created or written to.
    #[error("the folder for files cannot be used")]
    Folder(#[source] io::Error),
    /// The settings of the bucket are contradictory, or its endpoint is invalid.
    #[error("the bucket for files cannot be used")]
    Bucket(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The endpoint of the bucket has no TLS, which is not allowed.
    #[error("the bucket's endpoint is not https")]
    BucketWithoutTls,
    /// `UPLOADTHING_TOKEN` is not base64 of JSON with an `apiKey`.
    #[error("the UploadThing token is invalid")]
    UploadThingToken,
    /// The UploadThing URL is invalid, or has no TLS and is not that of localhost.
    #[error("the UploadThing address is not an https address")]
    UploadThingAddress,
    /// The HTTP client cannot be created.
    #[error("the HTTP client cannot be created")]
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
            ("scan_pixels_max", (1..=100_000_000_000).contains(&self.scan_pixels_max)),
            ("frames_deadline_ms", (1..=600_000).contains(&self.frames_deadline_ms)),
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

use std::path::{Path, PathBuf};

use api::links::{self, LinkKey};
use clap::Args;
use domain::conversation::{attachment::FILE_MAX_BYTES, uploads::UploadSettings};
use media::{Bounds, Bucket, Settings, Storage, UploadThing};
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    origins::is_local,
    value::{Fault, Faults, Switch, secret, whole},
};

const UPLOAD_BYTES_MAX: &str = "files-upload-bytes-max";
const PUBLIC_URL: &str = "files-public-url";
const HOUR_MS: u64 = 3_600_000;

/// File storage and pictures.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Files")]
pub(crate) struct FileSettings {
    /// Folder for files, unless a bucket is configured
    #[arg(
        id = "files-folder",
        long,
        env = "FILES_FOLDER",
        value_name = "FOLDER",
        default_value = "data/files"
    )]
    folder: PathBuf,

    /// Public URL of this service, such as `https://messages.example`: the base of links to files; `http://localhost` and the port if not set
    #[arg(id = PUBLIC_URL, long, env = "FILES_PUBLIC_URL", value_name = "URL",
        value_parser = public_url)]
    public_url: Option<String>,

    /// Lifetime of a link to a file, up to the next full minute; each answer brings new links
    #[arg(id = "files-link-lifetime-s", long, env = "FILES_LINK_LIFETIME_S",
        value_name = "60..604800", default_value = "3600",
        value_parser = whole::<u32>(60, 604_800))]
    link_lifetime_s: u32,

    /// Secret that signs links to files, the same on every node; `JWT_SECRET` if not set, and without both links are valid until the node restarts
    #[arg(id = "files-link-signing-secret", long, env = "FILES_LINK_SIGNING_SECRET",
        value_name = "SECRET", hide_env_values = true, value_parser = secret)]
    link_signing_secret: Option<SecretString>,

    /// Maximum size of a file
    #[arg(id = "files-file-bytes-max", long, env = "FILES_FILE_BYTES_MAX",
        value_name = "1024..10485760", default_value = "10485760",
        value_parser = whole::<u32>(1_024, FILE_MAX_BYTES.into()))]
    file_bytes_max: u32,

    /// How long an upload may take to be received
    #[arg(id = "files-upload-deadline-ms", long, env = "FILES_UPLOAD_DEADLINE_MS",
        value_name = "1000..3600000", default_value = "120000",
        value_parser = whole::<u64>(1_000, 3_600_000))]
    upload_deadline_ms: u64,

    /// Bytes per second at which an upload must be received, measured over ten seconds; 0 for any rate
    #[arg(id = "files-upload-bytes-per-s-min", long, env = "FILES_UPLOAD_BYTES_PER_S_MIN",
        value_name = "0..1000000", default_value = "1024", value_parser = whole::<u32>(0, 1_000_000))]
    upload_bytes_per_s_min: u32,

    /// Bytes of all uploads that are received and processed together; at least the maximum size of a file
    #[arg(id = UPLOAD_BYTES_MAX, long, env = "FILES_UPLOAD_BYTES_MAX",
        value_name = "1024..100000000000", default_value = "167772160",
        value_parser = whole::<u64>(1_024, 100_000_000_000))]
    upload_bytes_max: u64,

    /// Maximum number of pixels of a picture
    #[arg(id = "files-pixels-max", long, env = "FILES_PIXELS_MAX", value_name = "1..1000000000",
        default_value = "50000000", value_parser = whole::<u64>(1, 1_000_000_000))]
    pixels_max: u64,

    /// Maximum side of a picture, in pixels
    #[arg(id = "files-side-px-max", long, env = "FILES_SIDE_PX_MAX", value_name = "1..65535",
        default_value = "20000", value_parser = whole::<u32>(1, 65_535))]
    side_px_max: u32,

    /// Maximum number of frames of an animation
    #[arg(id = "files-frames-max", long, env = "FILES_FRAMES_MAX", value_name = "1..100000",
        default_value = "1000", value_parser = whole::<u32>(1, 100_000))]
    frames_max: u32,

    /// Maximum number of pixels of all frames of an animation together
    #[arg(id = "files-frame-pixels-max", long, env = "FILES_FRAME_PIXELS_MAX",
        value_name = "1..100000000000", default_value = "200000000",
        value_parser = whole::<u64>(1, 100_000_000_000))]
    frame_pixels_max: u64,

    /// Maximum number of pixels of all scans of a JPEG together
    #[arg(id = "files-scan-pixels-max", long, env = "FILES_SCAN_PIXELS_MAX",
        value_name = "1..100000000000", default_value = "500000000",
        value_parser = whole::<u64>(1, 100_000_000_000))]
    scan_pixels_max: u64,

    /// How long the frames of an animation may take to decode; checked between two frames
    #[arg(id = "files-frames-deadline-ms", long, env = "FILES_FRAMES_DEADLINE_MS",
        value_name = "1..600000", default_value = "10000", value_parser = whole::<u64>(1, 600_000))]
    frames_deadline_ms: u64,

    /// Maximum side of a thumbnail, in pixels
    #[arg(id = "files-thumbnail-side-px", long, env = "FILES_THUMBNAIL_SIDE_PX",
        value_name = "16..2048", default_value = "480", value_parser = whole::<u32>(16, 2_048))]
    thumbnail_side_px: u32,

    /// Uploads of one person received and processed at the same time; further ones wait unread
    #[arg(id = "files-uploads-per-person-max", long, env = "FILES_UPLOADS_PER_PERSON_MAX",
        value_name = "1..1000", default_value = "2", value_parser = whole::<usize>(1, 1_000))]
    uploads_per_person_max: usize,

    /// Uploads of one person that may wait for the person's own; more are answered 429
    #[arg(id = "files-uploads-waiting-per-person-max", long,
        env = "FILES_UPLOADS_WAITING_PER_PERSON_MAX", value_name = "0..1000", default_value = "8",
        value_parser = whole::<usize>(0, 1_000))]
    uploads_waiting_per_person_max: usize,

    /// Completely received uploads at the same time: waiting for a decoder, decoded, or being stored
    #[arg(id = "files-uploads-at-once-max", long, env = "FILES_UPLOADS_AT_ONCE_MAX",
        value_name = "1..1000", default_value = "16", value_parser = whole::<usize>(1, 1_000))]
    uploads_at_once_max: usize,

    /// Pictures decoded at the same time; each may take 10 bytes per pixel
    #[arg(id = "files-pictures-at-once-max", long, env = "FILES_PICTURES_AT_ONCE_MAX",
        value_name = "1..64", default_value = "2", value_parser = whole::<usize>(1, 64))]
    pictures_at_once_max: usize,

    /// Uploads of one person that are not attached to a message yet
    #[arg(id = "files-unsent-per-person-max", long, env = "FILES_UNSENT_PER_PERSON_MAX",
        value_name = "1..1000", default_value = "20", value_parser = whole::<u32>(1, 1_000))]
    unsent_per_person_max: u32,

    /// How long an upload that is not attached to a message is kept
    #[arg(id = "files-unsent-age-max-h", long, env = "FILES_UNSENT_AGE_MAX_H",
        value_name = "1..8760", default_value = "24", value_parser = whole::<u64>(1, 8_760))]
    unsent_age_max_h: u64,

    /// Token of UploadThing, as its console shows it; if not set, files there are not deleted with their messages
    #[arg(
        id = "files-uploadthing-token",
        long,
        env = "UPLOADTHING_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    uploadthing_token: Option<SecretString>,

    /// URL of the API of UploadThing
    #[arg(id = "files-uploadthing-url", long, env = "FILES_UPLOADTHING_URL", value_name = "URL",
        default_value = media::UPLOADTHING_URL)]
    uploadthing_url: String,

    /// How long a call to a bucket or to UploadThing may take
    #[arg(id = "files-call-timeout-ms", long, env = "FILES_CALL_TIMEOUT_MS",
        value_name = "100..600000", default_value = "10000",
        value_parser = whole::<u64>(100, 600_000))]
    call_timeout_ms: u64,
}

impl FileSettings {
    /// File storage and its bounds.
    pub(super) fn media(&self, bucket: &BucketSettings, faults: &mut Faults) -> Option<Settings> {
        if self.upload_bytes_max < self.file_bytes_max.into() {
            let why = "must be at least FILES_FILE_BYTES_MAX";
            faults.note(Fault::new(UPLOAD_BYTES_MAX, why));
        }
        Some(Settings {
            storage: bucket.storage(&self.folder, faults)?,
            uploadthing: self.uploadthing(),
            bounds: Bounds {
                file_bytes_max: self.file_bytes_max,
                pixels_max: self.pixels_max,
                side_px_max: self.side_px_max,
                frames_max: self.frames_max,
                frame_pixels_max: self.frame_pixels_max,
                scan_pixels_max: self.scan_pixels_max,
                frames_deadline_ms: self.frames_deadline_ms,
                thumbnail_side_px: self.thumbnail_side_px,
            },
            upload_bytes_max: self.upload_bytes_max,
            uploads_per_person_max: self.uploads_per_person_max,
            uploads_waiting_per_person_max: self.uploads_waiting_per_person_max,
            uploads_at_once_max: self.uploads_at_once_max,
            pictures_at_once_max: self.pictures_at_once_max,
            call_timeout_ms: self.call_timeout_ms,
        })
    }

    /// The links to files. `fallback` signs them if no secret is set.
    pub(super) fn links(&self, port: u16, fallback: Option<&SecretString>) -> links::Settings {
        let secret = self.link_signing_secret.as_ref().or(fallback);
        let key = |secret: &SecretString| LinkKey::derived_from(secret.expose_secret().as_bytes());
        links::Settings {
            key: secret.map(key),
            base_url: self.public_url(port),
            lifetime_s: self.link_lifetime_s,
        }
    }

    /// The public URL of this service.
    pub(super) fn public_url(&self, port: u16) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://localhost:{port}"))
    }

    /// Checks that links in mails to this service are https: others must not read or change their requests.
    pub(super) fn check_mailed_links(&self, faults: &mut Faults) {
        let url = self.public_url.as_deref().filter(|url| !is_local(url));
        if url.is_some_and(|url| !url.starts_with("https://")) {
            let why = "must begin with https:// when mail is sent: mails contain links to it";
            faults.note(Fault::new(PUBLIC_URL, why));
        }
    }

    /// The bounds of uploads of one person.
    pub(super) fn uploads(&self) -> UploadSettings {
        UploadSettings { unsent_max: self.unsent_per_person_max }
    }

    /// How long an upload may take to be received, in milliseconds, and its minimum rate, in bytes per second.
    pub(super) fn upload_pace(&self) -> (u64, u32) {
        (self.upload_deadline_ms, self.upload_bytes_per_s_min)
    }

    /// How long an upload that is not attached to a message is kept, in milliseconds.
    pub(super) fn unsent_age_max_ms(&self) -> u64 {
        self.unsent_age_max_h * HOUR_MS
    }

    /// Whether links point to localhost.
    pub(super) fn is_local(&self) -> bool {
        self.public_url.is_none()
    }

    fn uploadthing(&self) -> Option<UploadThing> {
        let token = self.uploadthing_token.clone()?;
        Some(UploadThing { token, base_url: self.uploadthing_url.clone() })
    }
}

/// Parses the public URL.
fn public_url(text: &str) -> Result<String, String> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    let has_host = rest.is_some_and(|rest| !rest.is_empty());
    if has_host && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte)) {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("must be a URL that starts with https:// or http://, without ? and #".to_owned())
    }
}

const ACCESS_KEY_ID: &str = "bucket-access-key-id";
const SECRET_ACCESS_KEY: &str = "bucket-secret-access-key";

/// A bucket for files, of Amazon S3 or a compatible service. Used if it has a name.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Bucket")]
pub(crate) struct BucketSettings {
    /// Name of the bucket; if not set, files are stored in the folder
    #[arg(id = "bucket-name", long, env = "BUCKET_NAME", value_name = "NAME")]
    name: Option<String>,

    /// URL of the service; that of Amazon for the region if not set
    #[arg(id = "bucket-endpoint", long, env = "BUCKET_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,

    /// Region of the bucket
    #[arg(
        id = "bucket-region",
        long,
        env = "BUCKET_REGION",
        value_name = "NAME",
        default_value = "us-east-1"
    )]
    region: String,

    /// Whether the bucket is named in the path instead of the host name, as most services other than Amazon's require
    #[arg(
        id = "bucket-path-style",
        long,
        env = "BUCKET_PATH_STYLE",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    path_style: Switch,

    /// Whether the service may be used without TLS
    #[arg(
        id = "bucket-http-allowed",
        long,
        env = "BUCKET_HTTP_ALLOWED",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    http_allowed: Switch,

    /// Access key id
    #[arg(id = ACCESS_KEY_ID, long, env = "BUCKET_ACCESS_KEY_ID", value_name = "NAME")]
    access_key_id: Option<String>,

    /// Secret access key
    #[arg(id = SECRET_ACCESS_KEY, long, env = "BUCKET_SECRET_ACCESS_KEY", value_name = "SECRET",
        hide_env_values = true)]
    secret_access_key: Option<SecretString>,
}

impl BucketSettings {
    /// The bucket, or `folder` without one. A fault if the credentials of the bucket are missing.
    pub(super) fn storage(&self, folder: &Path, faults: &mut Faults) -> Option<Storage> {
        let Some(name) = &self.name else {
            return Some(Storage::Folder(folder.to_owned()));
        };
        if self.access_key_id.is_none() {
            faults.note(Fault::new(ACCESS_KEY_ID, "is missing"));
        }
        if self.secret_access_key.is_none() {
            faults.note(Fault::new(SECRET_ACCESS_KEY, "is missing"));
        }
        Some(Storage::Bucket(Bucket {
            endpoint: self.endpoint.clone(),
            name: name.clone(),
            region: self.region.clone(),
            path_style: self.path_style.is_on(),
            http_allowed: self.http_allowed.is_on(),
            access_key_id: self.access_key_id.clone()?,
            secret_access_key: self.secret_access_key.clone()?,
        }))
    }
}

use std::path::Path;

use clap::Args;
use media::{Bucket, Storage};
use secrecy::SecretString;

use super::{
    fault::{Fault, Faults},
    value::Switch,
};

const ACCESS_KEY_ID: &str = "bucket-access-key-id";
const SECRET_ACCESS_KEY: &str = "bucket-secret-access-key";

/// A bucket for files, of Amazon S3 or a service that speaks like it. Without a name there is none.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Bucket")]
pub(crate) struct BucketSettings {
    /// Name of the bucket; without it files are kept in a folder
    #[arg(id = "bucket-name", long, env = "BUCKET_NAME", value_name = "NAME")]
    name: Option<String>,

    /// Address of the service; without it Amazon's own of the region
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

    /// Whether the bucket is named in the path, as most services that are not Amazon's want it
    #[arg(
        id = "bucket-path-style",
        long,
        env = "BUCKET_PATH_STYLE",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    path_style: Switch,

    /// Whether the service may be talked to without TLS
    #[arg(
        id = "bucket-http-allowed",
        long,
        env = "BUCKET_HTTP_ALLOWED",
        value_name = "SWITCH",
        value_enum,
        default_value = "off"
    )]
    http_allowed: Switch,

    /// Public part of the credentials
    #[arg(id = ACCESS_KEY_ID, long, env = "BUCKET_ACCESS_KEY_ID", value_name = "NAME")]
    access_key_id: Option<String>,

    /// Secret part of the credentials
    #[arg(id = SECRET_ACCESS_KEY, long, env = "BUCKET_SECRET_ACCESS_KEY", value_name = "SECRET",
        hide_env_values = true)]
    secret_access_key: Option<SecretString>,
}

impl BucketSettings {
    /// Where files are kept: in the bucket, or, without one, in `folder`. A fault when the bucket's
    /// credentials are missing.
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

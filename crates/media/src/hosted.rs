//! Deletes files that are hosted at UploadThing, over its HTTP API, version 6.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::ports::FilesError;
use reqwest::{Client, StatusCode, Url, header::HeaderValue, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::settings::{SettingsError, UploadThing};

/// The version of UploadThing's client that our calls imitate.
const CLIENT_VERSION: &str = "7.7.4";
const RESPONSE_MAX_BYTES: usize = 64 * 1024;

/// Why the service did not delete a file.
#[derive(Debug, thiserror::Error)]
enum HostedError {
    #[error("the key of the upload service cannot be sent")]
    Key,
    #[error("the upload service could not be called")]
    Call(#[source] reqwest::Error),
    #[error("the upload service answered {0}")]
    Status(StatusCode),
    #[error("the upload service did not confirm the deletion")]
    Unclear,
}

impl From<HostedError> for FilesError {
    fn from(error: HostedError) -> Self {
        Self::Failed(error.into())
    }
}

/// The upload service, if it is configured.
#[derive(Debug)]
pub(crate) struct Hosted(Option<Service>);

#[derive(Debug)]
struct Service {
    client: Client,
    delete_url: Url,
    api_key: SecretString,
}

/// The part of the token that is used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    api_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeleteFiles<'a> {
    file_keys: [&'a str; 1],
}

#[derive(Deserialize)]
struct Deleted {
    success: bool,
}

impl Hosted {
    pub(crate) fn new(
        settings: Option<&UploadThing>,
        call_timeout_ms: u64,
    ) -> Result<Self, SettingsError> {
        let service = settings.map(|settings| Service::new(settings, call_timeout_ms));
        Ok(Self(service.transpose()?))
    }

    /// Deletes a file. Succeeds if it does not exist.
    pub(crate) async fn delete(&self, upload_key: &str) -> Result<(), FilesError> {
        let service = self.0.as_ref().ok_or(FilesError::NoUploadService)?;
        Ok(service.delete(upload_key).await?)
    }
}

impl Service {
    fn new(settings: &UploadThing, call_timeout_ms: u64) -> Result<Self, SettingsError> {
        let base = Url::parse(&settings.base_url).ok().filter(is_safe);
        let delete_url = base.and_then(|base| base.join("/v6/deleteFiles").ok());
        let client = Client::builder()
            .timeout(Duration::from_millis(call_timeout_ms))
            // The key must not be sent to another host.
            .redirect(Policy::none())
            .build()
            .map_err(|error| SettingsError::Client(error.into()))?;
        Ok(Self {
            client,
            delete_url: delete_url.ok_or(SettingsError::UploadThingAddress)?,
            api_key: api_key(&settings.token).ok_or(SettingsError::UploadThingToken)?,
        })
    }

    async fn delete(&self, upload_key: &str) -> Result<(), HostedError> {
        // Was checked to be valid in a header at the start.
        let mut key =
            HeaderValue::from_str(self.api_key.expose_secret()).map_err(|_| HostedError::Key)?;
        key.set_sensitive(true);
        let response = self
            .client
            .post(self.delete_url.clone())
            .header("x-uploadthing-api-key", key)
            .header("x-uploadthing-version", CLIENT_VERSION)
            .header("x-uploadthing-be-adapter", "messaging")
            .json(&DeleteFiles { file_keys: [upload_key] })
            .send()
            .await
            .map_err(HostedError::Call)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(()),
            status if status.is_success() => check_confirmation(response).await,
            status => Err(HostedError::Status(status)),
        }
    }
}

/// Reads the response, up to its maximum size.
async fn check_confirmation(mut response: reqwest::Response) -> Result<(), HostedError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(HostedError::Call)? {
        if body.len() + piece.len() > RESPONSE_MAX_BYTES {
            return Err(HostedError::Unclear);
        }
        body.extend_from_slice(&piece);
    }
    match serde_json::from_slice::<Deleted>(&body) {
        Ok(Deleted { success: true }) => Ok(()),
        _ => Err(HostedError::Unclear),
    }
}

fn api_key(token: &SecretString) -> Option<SecretString> {
    let json = STANDARD.decode(token.expose_secret().trim()).ok()?;
    let token: Token = serde_json::from_slice(&json).ok()?;
    let usable = !token.api_key.is_empty() && HeaderValue::from_str(&token.api_key).is_ok();
    usable.then(|| token.api_key.into())
}

/// Whether the URL uses TLS, or is that of localhost.
fn is_safe(url: &Url) -> bool {
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && is_local)
}

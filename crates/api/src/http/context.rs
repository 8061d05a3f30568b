//! The state shared by all handlers, and the settings of REST.

use std::sync::Arc;

use actix_web::{HttpRequest, web::Data};
use domain::{
    Services, Uploads,
    ports::{Files, Ids, JobNotifier},
};

use super::multipart::Pace;
use crate::{
    authenticator::Authenticator,
    error::Failure,
    limits::Limits,
    links::Links,
    mail::{DevMails, Stamp, UnsubscribeLinks, WebhookPermit, Webhooks},
    origins::Origins,
    readiness::Readiness,
};

/// Settings of REST.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The allowed browser origins, for REST and sockets.
    pub origins: Origins,
    /// Maximum size of a JSON body, in bytes.
    pub json_body_max_bytes: usize,
    /// Maximum size of a JSON body with many people on the internal API, in bytes.
    pub internal_body_max_bytes: usize,
    /// Time limit for receiving a body, in milliseconds.
    pub body_deadline_ms: u64,
    /// Time limit for receiving an uploaded file, in milliseconds.
    pub upload_deadline_ms: u64,
    /// Minimum rate of an uploaded file, in bytes per second, measured over ten seconds; 0 for none.
    pub upload_bytes_per_s_min: u32,
    /// Time limit for the store to answer the readiness check, in milliseconds.
    pub readiness_deadline_ms: u64,
    /// Whether to serve the documentation under `/docs/`.
    pub serve_docs: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            origins: Origins::default(),
            json_body_max_bytes: 262_144,
            internal_body_max_bytes: 4_194_304,
            body_deadline_ms: 30_000,
            upload_deadline_ms: 120_000,
            upload_bytes_per_s_min: 1_024,
            readiness_deadline_ms: 2_000,
            serve_docs: true,
        }
    }
}

impl Settings {
    /// How long an uploaded file may take, and how slow it may be.
    pub(super) fn upload_pace(&self) -> Pace {
        Pace::new(self.upload_deadline_ms, self.upload_bytes_per_s_min)
    }
}

/// The state shared by all handlers.
pub(crate) struct Context {
    pub(crate) services: Services,
    pub(crate) uploads: Uploads,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) links: Links,
    pub(crate) unsubscribe: UnsubscribeLinks,
    pub(crate) webhooks: Option<Webhooks>,
    pub(crate) dev_mail: Option<Arc<dyn DevMails>>,
    pub(crate) job_notifier: JobNotifier,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) readiness: Readiness,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) settings: Settings,
}

impl Context {
    /// The context of the application that received `request`.
    pub(crate) fn of(request: &HttpRequest) -> Result<Data<Self>, Failure> {
        request.app_data::<Data<Self>>().cloned().ok_or_else(|| Failure::internal(NoContext))
    }

    /// Verifies the stamp of a webhook and returns the permission to execute the call once.
    pub(super) async fn admit_webhook(&self, stamp: &Stamp<'_>) -> Result<WebhookPermit, Failure> {
        let webhooks = self.webhooks.as_ref().ok_or_else(Failure::no_webhooks)?;
        Ok(webhooks.admit(stamp).await?)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the application was built without its context")]
struct NoContext;

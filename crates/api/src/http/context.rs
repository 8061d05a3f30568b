//! What handlers work with, and the bounds of REST.

use std::sync::Arc;

use actix_web::{HttpRequest, web::Data};
use domain::{
    Services, Uploads,
    ports::{Files, Ids, JobNotifier},
};

use crate::{
    authenticator::Authenticator,
    error::Failure,
    limits::Limits,
    links::Links,
    mail::{DevMails, UnsubscribeLinks, Webhooks},
    origins::Origins,
    readiness::Readiness,
};

/// The bounds of REST.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The pages that may call from a browser, over REST and sockets.
    pub origins: Origins,
    /// The largest JSON body, in bytes.
    pub json_body_max_bytes: usize,
    /// The largest JSON body of a program that tells of many people at once, in bytes.
    pub internal_body_max_bytes: usize,
    /// How long a body may take to arrive, in milliseconds.
    pub body_deadline_ms: u64,
    /// How long an uploaded file may take to arrive, in milliseconds.
    pub upload_deadline_ms: u64,
    /// How long the store may take to say that it is there, in milliseconds.
    pub readiness_deadline_ms: u64,
    /// Whether the documentation is served under `/docs/`.
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
            readiness_deadline_ms: 2_000,
            serve_docs: true,
        }
    }
}

/// What handlers work with.
pub(crate) struct Context {
    pub(crate) services: Services,
    pub(crate) uploads: Uploads,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) links: Links,
    pub(crate) unsubscribe: UnsubscribeLinks,
    pub(crate) webhooks: Option<Webhooks>,
    pub(crate) dev_mail: Option<Arc<dyn DevMails>>,
    pub(crate) wake: JobNotifier,
    pub(crate) authenticator: Authenticator,
    pub(crate) limits: Limits,
    pub(crate) readiness: Readiness,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) settings: Settings,
}

impl Context {
    /// What was handed to the application that `request` came to.
    pub(crate) fn of(request: &HttpRequest) -> Result<Data<Self>, Failure> {
        request.app_data::<Data<Self>>().cloned().ok_or_else(|| Failure::internal(NoContext))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the application was put together without its context")]
struct NoContext;

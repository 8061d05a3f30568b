use domain::privacy::export;
use serde::Serialize;
use utoipa::ToSchema;

use crate::links::Links;

/// State of the caller's data export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// `preparing`, or `ready`.
    #[schema(example = "ready")]
    pub state: &'static str,
    /// When the export was requested; later data is not in it.
    pub requested_at: String,
    /// Signed link to the archive, valid for some hours; request the export again for a new link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// Size of the archive in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size_bytes: Option<u64>,
    /// When the archive is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<String>,
}

impl Export {
    pub(crate) fn new(export: &export::Export, links: &Links) -> Self {
        let ready = export.ready;
        Self {
            state: if ready.is_some() { "ready" } else { "preparing" },
            requested_at: export.requested_at.to_string(),
            url: ready.map(|ready| links.to_archive(&export.key, ready.expires_at)),
            size_bytes: ready.map(|ready| ready.size_bytes),
            expires_at: ready.map(|ready| ready.expires_at.to_string()),
        }
    }
}

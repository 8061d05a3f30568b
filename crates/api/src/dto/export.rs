use domain::privacy::export;
use serde::Serialize;
use utoipa::ToSchema;

use crate::links::Links;

/// How far the caller's data are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// `preparing`, or `ready`.
    #[schema(example = "ready")]
    pub state: &'static str,
    /// When they were asked for. What was said later is not in them.
    pub requested_at: String,
    /// Where the archive is: good for some hours; ask again to get another link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// How large it is, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size_bytes: Option<u64>,
    /// When it is deleted.
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

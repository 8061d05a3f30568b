use domain::retention;
use serde::Serialize;
use utoipa::ToSchema;

/// How long conversations are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetentionPolicy {
    /// After how many days without a message a conversation is archived.
    #[schema(minimum = 1, maximum = 36_500)]
    pub archive_after_days: u32,
    /// After how many days more its messages are deleted. Left out: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 36_500, nullable = false)]
    pub delete_after_days: Option<u32>,
}

/// What a salon has of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SalonRetention {
    /// After how many days without a message its conversations are archived. Left out: everybody's
    /// policy holds for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 36_500, nullable = false)]
    pub archive_after_days: Option<u32>,
    /// After how many days more their messages are deleted. Left out beside `archiveAfterDays`: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 30, maximum = 36_500, nullable = false)]
    pub delete_after_days: Option<u32>,
    /// Whether all its conversations stay as they are, whatever their age.
    pub legal_hold: bool,
}

impl From<retention::RetentionPolicy> for RetentionPolicy {
    fn from(policy: retention::RetentionPolicy) -> Self {
        Self {
            archive_after_days: policy.archive_after_days(),
            delete_after_days: policy.delete_after_days(),
        }
    }
}

impl From<retention::SalonRetention> for SalonRetention {
    fn from(own: retention::SalonRetention) -> Self {
        Self {
            archive_after_days: own.policy.map(retention::RetentionPolicy::archive_after_days),
            delete_after_days: own.policy.and_then(retention::RetentionPolicy::delete_after_days),
            legal_hold: own.is_held,
        }
    }
}

use domain::mail::preferences;
use serde::Serialize;
use utoipa::ToSchema;

/// E-mail notification preferences of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// Same as `userId`: there is one record per user.
    pub id: String,
    /// User id.
    pub user_id: String,
    /// Whether notification mails are sent at all.
    pub email_notifications_enabled: bool,
    /// Maximum frequency of mails: `IMMEDIATE`, `HOURLY`, `DAILY` or `NEVER`.
    #[schema(example = "IMMEDIATE")]
    pub email_frequency: &'static str,
    /// Ids of conversations without notification mails.
    pub muted_conversations: Vec<String>,
    /// Daily period without mails; absent = none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub quiet_hours: Option<QuietHours>,
    /// IANA time zone used for quiet hours and daily mail; absent = platform default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Europe/Paris")]
    pub time_zone: Option<String>,
    /// Creation time: the first request.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of the last change.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// Daily period in local time; may span midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuietHours {
    /// Start, `HH:MM`.
    #[schema(example = "22:00")]
    pub from: String,
    /// End, `HH:MM`, exclusive.
    #[schema(example = "07:00")]
    pub to: String,
}

impl From<&preferences::Preferences> for Preferences {
    fn from(preferences: &preferences::Preferences) -> Self {
        Self {
            id: preferences.user.to_string(),
            user_id: preferences.user.to_string(),
            email_notifications_enabled: preferences.mail_enabled,
            email_frequency: preferences.frequency.as_str(),
            muted_conversations: preferences.muted.iter().map(ToString::to_string).collect(),
            quiet_hours: preferences.quiet_hours.map(QuietHours::from),
            time_zone: preferences.zone.as_ref().map(|zone| zone.as_str().to_owned()),
            created_at: preferences.created_at.to_string(),
            updated_at: preferences.updated_at.to_string(),
        }
    }
}

impl From<preferences::QuietHours> for QuietHours {
    fn from(hours: preferences::QuietHours) -> Self {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self { from: time(hours.from_minute()), to: time(hours.to_minute()) }
    }
}

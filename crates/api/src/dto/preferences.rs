use domain::mail::preferences;
use serde::Serialize;
use utoipa::ToSchema;

/// What a person wants to hear of by mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preferences {
    /// The same as `userId`: each person has one.
    pub id: String,
    /// Whose they are.
    pub user_id: String,
    /// Whether there is any mail at all.
    pub email_notifications_enabled: bool,
    /// How often mail may come: `IMMEDIATE`, `HOURLY`, `DAILY` or `NEVER`.
    #[schema(example = "IMMEDIATE")]
    pub email_frequency: &'static str,
    /// Conversations of which no mail comes.
    pub muted_conversations: Vec<String>,
    /// The part of each day in which no mail comes. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub quiet_hours: Option<QuietHours>,
    /// IANA time zone used for quiet hours and daily mail; absent = platform default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Europe/Paris")]
    pub time_zone: Option<String>,
    /// When they were first asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When they last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A part of each day; it may reach over midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuietHours {
    /// The first quiet minute.
    #[schema(example = "22:00")]
    pub from: String,
    /// The first minute that is not quiet any more.
    #[schema(example = "07:00")]
    pub to: String,
}

impl From<&preferences::Preferences> for Preferences {
    fn from(wishes: &preferences::Preferences) -> Self {
        Self {
            id: wishes.user.to_string(),
            user_id: wishes.user.to_string(),
            email_notifications_enabled: wishes.mail_enabled,
            email_frequency: wishes.frequency.as_str(),
            muted_conversations: wishes.muted.iter().map(ToString::to_string).collect(),
            quiet_hours: wishes.quiet_hours.map(QuietHours::from),
            time_zone: wishes.zone.as_ref().map(|zone| zone.as_str().to_owned()),
            created_at: wishes.created_at.to_string(),
            updated_at: wishes.updated_at.to_string(),
        }
    }
}

impl From<preferences::QuietHours> for QuietHours {
    fn from(hours: preferences::QuietHours) -> Self {
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self { from: time(hours.from_minute()), to: time(hours.to_minute()) }
    }
}

//! The settings: their sections, and the configuration that is made of them.
//!
//! A setting has one name, `section.key`. Its value is that of the flag `--section-key`, else of its environment variable,
//! else of the file, else the default.

pub(crate) mod database;
mod files;
mod general;
mod http;
mod jobs;
mod limits;
mod mail;
mod origins;
mod presence;
mod realtime;
pub(crate) mod setting;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use clap::Args;
use domain::{retention::RetentionSettings, time::Zone};
use value::Faults;

pub(crate) use database::Database;
pub(crate) use general::{Format, GeneralSettings, LogSettings};
pub(crate) use http::HttpSettings;
pub(crate) use jobs::Jobs;
pub(crate) use mail::Mail;

#[cfg(test)]
pub(crate) use general::Level;

use crate::tokens::KeyFile;

/// Every setting, parsed and within its bounds.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    general: GeneralSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    origins: origins::OriginSettings,
    #[command(flatten)]
    database: database::DatabaseSettings,
    #[command(flatten)]
    tokens: general::TokenSettings,
    #[command(flatten)]
    realtime: realtime::RealtimeSettings,
    #[command(flatten)]
    presence: presence::PresenceSettings,
    #[command(flatten)]
    resume: realtime::ResumeSettings,
    #[command(flatten)]
    appointments: general::AppointmentSettings,
    #[command(flatten)]
    files: files::FileSettings,
    #[command(flatten)]
    bucket: files::BucketSettings,
    #[command(flatten)]
    jobs: jobs::JobSettings,
    #[command(flatten)]
    retention: general::RetentionSettings,
    #[command(flatten)]
    mail: mail::MailSettings,
    #[command(flatten)]
    limits: limits::LimitSettings,
    #[command(flatten)]
    log: LogSettings,
}

/// The configuration of the program: settings that were also checked against one another.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The environment.
    pub(crate) general: GeneralSettings,
    /// The HTTP server.
    pub(crate) http: HttpSettings,
    /// The database.
    pub(crate) database: Database,
    /// The keys and claims of accepted tokens.
    pub(crate) tokens: auth_jwt::Settings,
    /// The file with public keys, if it is looked at for changes.
    pub(crate) key_file: Option<KeyFile>,
    /// The REST and realtime interface.
    pub(crate) api: api::Settings,
    /// File storage.
    pub(crate) files: media::Settings,
    /// Whether links to files point to localhost.
    pub(crate) links_are_local: bool,
    /// Background jobs.
    pub(crate) jobs: Jobs,
    /// Notification mail.
    pub(crate) mail: Mail,
    /// The time zone of appointments of salons without one.
    pub(crate) zone: Zone,
    /// Whether rate limits are enforced.
    pub(crate) limits_enabled: bool,
    /// Logging.
    pub(crate) log: LogSettings,
}

impl Settings {
    /// The configuration. `None`, with the reasons in `faults`, if a setting is missing or contradicts another one.
    pub(crate) fn check(&self, faults: &mut Faults) -> Option<Config> {
        self.http.check(faults);
        let tokens = self.tokens.check(faults);
        let database = self.database.check(faults);
        let files = self.files.media(&self.bucket, faults);
        let retention = self.retention.check(faults);
        let mail = self.mail.check(&self.mail_context(), faults)?;
        if mail.mailer.is_some() {
            self.files.check_mailed_links(faults);
        }
        Some(Config {
            general: self.general.clone(),
            http: self.http.clone(),
            database: database?,
            tokens: tokens?,
            key_file: self.tokens.key_file(),
            api: self.api(retention?, self.mail.inbound(&mail)),
            files: files?,
            links_are_local: self.files.is_local(),
            jobs: self.jobs.configuration(self.files.unsent_age_max_ms()),
            mail,
            zone: self.appointments.zone(),
            limits_enabled: self.limits.enabled(),
            log: self.log.clone(),
        })
    }

    fn api(&self, retention: RetentionSettings, mail: api::mail::Settings) -> api::Settings {
        let in_production = self.general.in_production();
        let origins = self.origins.allowed(in_production);
        api::Settings {
            http: self.http.rest(origins, in_production, self.files.upload_pace()),
            realtime: self.realtime.settings(&self.presence, &self.resume, self.tokens.secret()),
            limits: self.limits.settings(),
            links: self.files.links(self.http.address().port(), self.tokens.secret()),
            uploads: self.files.uploads(),
            retention,
            mail,
            session_ends: self.tokens.session_ends(),
        }
    }

    fn mail_context(&self) -> mail::MailContext<'_> {
        let in_production = self.general.in_production();
        mail::MailContext {
            in_production,
            site: self.origins.site(in_production),
            public_url: self.files.public_url(self.http.address().port()),
            secret: self.tokens.secret(),
            zone: self.appointments.zone(),
            job_time_max_ms: self.jobs.time_max_ms(),
        }
    }
}

//! Every setting: where it comes from, what it may be, what is in force.
//!
//! A setting has one name, `section.key`. It is read from the flag `--section-key`, from its
//! environment variable, from the file, or is the default: the first of these that says something.

mod appointments;
mod bucket;
mod database;
mod docs;
mod effective;
mod fault;
mod file;
mod files;
mod general;
mod http;
mod jobs;
mod limits;
mod load;
mod log;
mod mail;
mod merge;
mod origin;
mod presence;
mod realtime;
mod resume;
mod retention;
mod setting;
mod tokens;
mod unused;
mod value;

#[cfg(test)]
mod tests;

use clap::Args;
use domain::{retention::RetentionSettings, time::Zone};

pub(crate) use database::Database;
pub(crate) use docs::table;
pub(crate) use fault::Faults;
pub(crate) use general::GeneralSettings;
pub(crate) use http::HttpSettings;
pub(crate) use jobs::Jobs;
pub(crate) use load::{Loaded, Refusal, Start, load, verb};
#[cfg(test)]
pub(crate) use log::Level;
pub(crate) use log::{Format, LogSettings};
pub(crate) use mail::Mail;

/// Every setting, each read and within its bounds.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    general: GeneralSettings,
    #[command(flatten)]
    http: HttpSettings,
    #[command(flatten)]
    origins: origin::OriginSettings,
    #[command(flatten)]
    database: database::DatabaseSettings,
    #[command(flatten)]
    tokens: tokens::TokenSettings,
    #[command(flatten)]
    realtime: realtime::RealtimeSettings,
    #[command(flatten)]
    presence: presence::PresenceSettings,
    #[command(flatten)]
    resume: resume::ResumeSettings,
    #[command(flatten)]
    appointments: appointments::AppointmentSettings,
    #[command(flatten)]
    files: files::FileSettings,
    #[command(flatten)]
    bucket: bucket::BucketSettings,
    #[command(flatten)]
    jobs: jobs::JobSettings,
    #[command(flatten)]
    retention: retention::RetentionSettings,
    #[command(flatten)]
    mail: mail::MailSettings,
    #[command(flatten)]
    limits: limits::LimitSettings,
    #[command(flatten)]
    log: LogSettings,
}

/// What the program works with: settings that also make sense together.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where the server runs.
    pub(crate) general: GeneralSettings,
    /// The HTTP server.
    pub(crate) http: HttpSettings,
    /// The database.
    pub(crate) database: Database,
    /// Whose tokens are believed.
    pub(crate) tokens: auth_jwt::Settings,
    /// The bounds of the interface.
    pub(crate) api: api::Settings,
    /// Where files are kept.
    pub(crate) files: media::Settings,
    /// Whether links to files lead only to this machine.
    pub(crate) links_are_local: bool,
    /// Work that may wait.
    pub(crate) jobs: Jobs,
    /// Mail about messages that wait.
    pub(crate) mail: Mail,
    /// Whose clock counts for bookings of salons that have none.
    pub(crate) zone: Zone,
    /// Whether anyone may ask for too much.
    pub(crate) limits_enabled: bool,
    /// What is logged.
    pub(crate) log: LogSettings,
}

impl Settings {
    /// The settings as parts of the program. `None` when something is missing or contradicts
    /// another setting; `faults` then says what.
    fn check(&self, faults: &mut Faults) -> Option<Config> {
        let tokens = self.tokens.check(faults);
        let database = self.database.check(faults);
        let files = self.files.media(&self.bucket, faults);
        let retention = self.retention.kept(faults);
        let mail = self.mail.check(&self.around_mail(), faults)?;
        if mail.post.is_some() {
            self.files.check_mailed_links(faults);
        }
        Some(Config {
            general: self.general.clone(),
            http: self.http.clone(),
            database: database?,
            tokens: tokens?,
            api: self.api(retention?, self.mail.doors(&mail)),
            files: files?,
            links_are_local: self.files.is_local(),
            jobs: self.jobs.parts(self.files.unsent_age_max_ms()),
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
            http: self.http.rest(origins, in_production, self.files.upload_deadline_ms()),
            realtime: self.realtime.settings(&self.presence, &self.resume, self.tokens.secret()),
            limits: self.limits.settings(),
            links: self.files.links(self.http.address().port(), self.tokens.secret()),
            uploads: self.files.uploads(),
            retention,
            mail,
        }
    }

    fn around_mail(&self) -> mail::MailContext<'_> {
        let in_production = self.general.in_production();
        mail::MailContext {
            in_production,
            site: self.origins.site(in_production),
            public_url: self.files.public_url(self.http.address().port()),
            secret: self.tokens.secret(),
            zone: self.appointments.zone(),
            job_lease_ms: self.jobs.lease_ms(),
        }
    }
}

use mailer::TransportSettings;

use super::{Start, start};
use crate::settings::Mail;

fn mail(start: &Start) -> Mail {
    start.config().mail
}

fn mailgun() -> Start {
    start().with("MAILGUN_API_KEY", "planted-key").with("MAILGUN_DOMAIN", "mail.salon.example")
}

#[test]
fn no_mail_is_sent_without_a_transport() {
    assert!(mail(&start()).mailer.is_none());
    assert!(mail(&start().with("MAIL_FROM", "a@salon.example")).mailer.is_none());
}

#[test]
fn mail_is_sent_with_the_variables_of_the_legacy_service() {
    let mailer_settings =
        mail(&mailgun().with("FRONTEND_URL", "https://salon.example")).mailer.expect("mail");
    assert_eq!(mailer_settings.from, "noreply@mail.salon.example");
    assert_eq!(mailer_settings.site_url, "https://salon.example");
    let TransportSettings::Mailgun(account) = mailer_settings.transport else {
        panic!("{:?}", mailer_settings.transport)
    };
    assert_eq!(account.base_url, mailer::MAILGUN_EU_URL);
    let other_name =
        start().with("SENDING_KEY", "planted-key").with("MAILGUN_DOMAIN", "mail.salon.example");
    assert!(matches!(
        mail(&other_name).mailer.expect("mail").transport,
        TransportSettings::Mailgun(_)
    ));
}

#[test]
fn half_an_account_is_none() {
    let faults = start().with("MAILGUN_API_KEY", "planted-key").faults();
    assert!(faults.starts_with("MAILGUN_DOMAIN (mail.mailgun-domain): is missing"), "{faults}");
    let faults = start().with("MAILGUN_DOMAIN", "mail.salon.example").faults();
    assert!(faults.starts_with("MAILGUN_API_KEY (mail.mailgun-api-key): is missing"), "{faults}");
    let faults = start().with("MAIL_SMTP_URL", "smtp://127.0.0.1:25").faults();
    assert!(faults.starts_with("MAIL_FROM (mail.from): is missing"), "{faults}");
}

#[test]
fn replies_need_a_webhook_key() {
    let asking = || mailgun().with("MAIL_REPLY_TO", "reponse@mail.salon.example");
    let faults = asking().faults();
    let missing = "MAILGUN_WEBHOOK_SIGNING_KEY (mail.webhook-signing-key): is missing";
    assert!(faults.starts_with(missing), "{faults}");
    let taken = asking().with("MAILGUN_WEBHOOK_SIGNING_KEY", "key");
    assert!(mail(&taken).mailer.expect("mail").reply_to.is_some());
}

#[test]
fn only_one_mail_transport_may_be_configured() {
    let faults = mailgun().with("MAIL_SMTP_URL", "smtp://u:planted@127.0.0.1:25").faults();
    assert!(
        faults.contains("one of two mail transports") && !faults.contains("planted"),
        "{faults}"
    );
}

#[test]
fn a_folder_is_for_developers() {
    let folder =
        start().with("MAIL_DEV_FOLDER", "/tmp/mails").with("MAIL_FROM", "noreply@salon.example");
    assert!(matches!(mail(&folder).mailer.expect("mail").transport, TransportSettings::Folder(_)));
    let faults = folder.with("NODE_ENV", "production").faults();
    assert!(faults.starts_with("MAIL_DEV_FOLDER (mail.dev-folder): is for developers"), "{faults}");
}

#[test]
fn links_of_production_lead_to_no_developer_s_machine() {
    let production = mailgun().with("NODE_ENV", "production");
    assert!(production.faults().starts_with("MAIL_SITE_URL (mail.site-url): is missing"));
    assert_eq!(mail(&mailgun()).mailer.expect("mail").site_url, "http://localhost:3000");
}

#[test]
fn the_delivery_of_a_mail_fails_before_its_job_is_stopped() {
    let faults = mailgun().with("JOBS_TIME_MAX_MS", "30000").faults();
    assert!(faults.starts_with("MAIL_DELIVERY_TIMEOUT_MS"), "{faults}");
}

#[test]
fn no_key_of_mail_is_shown() {
    let start = mailgun().with("MAILGUN_WEBHOOK_SIGNING_KEY", "planted-key");
    let loaded = start.loaded();
    let shown = format!("{} {:?}", loaded.effective, loaded.config);
    assert!(!shown.contains("planted-key"), "{shown}");
}

//! Settings that are refused, and settings that are shown.

use std::sync::Arc;

use domain::ids::UserId;
use mailer::{
    Folder, MAILGUN_EU_URL, Mailer, Mailgun, Settings, SettingsError, Smtp, TransportSettings,
    Unsubscribe,
};

use crate::{emails::settings, server::smtp};

struct Nowhere;

impl Unsubscribe for Nowhere {
    fn url(&self, _: &UserId) -> String {
        String::new()
    }
}

fn tried(settings: &Settings) -> Result<Mailer, SettingsError> {
    Mailer::new(settings, Arc::new(Nowhere))
}

fn mailgun(domain: &str, api_key: &str, base_url: &str) -> TransportSettings {
    let (domain, base_url) = (domain.to_owned(), base_url.to_owned());
    TransportSettings::Mailgun(Mailgun { domain, api_key: api_key.into(), base_url })
}

#[tokio::test]
async fn a_password_does_not_travel_in_the_clear_unless_somebody_says_so() {
    let far = "smtp://postman:s3cret@mail.example.org?tls=none";
    assert!(matches!(tried(&settings(smtp(far))), Err(SettingsError::SmtpPlaintext)));
    let meant = Smtp { url: far.into(), plaintext_allowed: true, root_pem: None };
    assert!(tried(&settings(TransportSettings::Smtp(meant))).is_ok());
    for good in [
        "smtp://mail.example.org",
        "smtps://postman:s3cret@mail.example.org",
        "smtp://postman:s3cret@mail.example.org:2525?tls=starttls",
        "smtp://localhost:1025",
        "smtp://127.0.0.1:1025?tls=none",
        "smtp://[::1]:1025",
    ] {
        assert!(tried(&settings(smtp(good))).is_ok(), "{good}");
    }
}

#[tokio::test]
async fn a_mail_server_s_address_is_read_or_refused() {
    for bad in [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtps://mail.example.org?tls=none",
        "smtp://mail.example.org?tls=maybe",
        "smtp://mail.example.org?tls=starttls&tls=none",
        "smtp://mail.example.org/path",
        "smtp://postman@mail.example.org",
        "smtp://post%ffman:x@mail.example.org",
    ] {
        assert!(matches!(tried(&settings(smtp(bad))), Err(SettingsError::SmtpUrl)), "{bad}");
    }
    let root_pem = Some(b"no certificate".to_vec());
    let smtp = Smtp { url: "smtps://mail.example.org".into(), plaintext_allowed: false, root_pem };
    assert!(matches!(
        tried(&settings(TransportSettings::Smtp(smtp))),
        Err(SettingsError::SmtpTls(_))
    ));
}

#[tokio::test]
async fn mailgun_is_not_called_by_a_false_name() {
    let good = mailgun("mg.example.org", "key", MAILGUN_EU_URL);
    assert!(tried(&settings(good)).is_ok());
    for domain in ["", ".", "../v4", "a/b", "a b", "a?b"] {
        let bad = settings(mailgun(domain, "key", MAILGUN_EU_URL));
        assert!(matches!(tried(&bad), Err(SettingsError::MailgunDomain)), "{domain:?}");
    }
    for url in ["", "http://api.example.org", "ftp://localhost"] {
        let bad = settings(mailgun("mg.example.org", "key", url));
        assert!(matches!(tried(&bad), Err(SettingsError::MailgunUrl)), "{url:?}");
    }
    for key in ["", "a\nb"] {
        let bad = settings(mailgun("mg.example.org", key, MAILGUN_EU_URL));
        assert!(matches!(tried(&bad), Err(SettingsError::MailgunKey)), "{key:?}");
    }
}

#[tokio::test]
async fn whoever_writes_has_a_name_an_address_and_bounds() {
    let usual = || settings(smtp("smtp://localhost:1025"));
    assert!(matches!(
        tried(&Settings { sender_name: " \n".into(), ..usual() }),
        Err(SettingsError::SenderName)
    ));
    for from in ["", "Salon <a@b.org>", "a@b.org\r\nBcc: c@d.org", "a@[127.0.0.1]"] {
        let bad = Settings { from: from.into(), ..usual() };
        assert!(matches!(tried(&bad), Err(SettingsError::From)), "{from:?}");
    }
    let none = Settings { mails_at_once_max: 0, ..usual() };
    assert!(matches!(tried(&none), Err(SettingsError::Bound("mails_at_once_max"))));
    let none = Settings { delivery_timeout_ms: 0, ..usual() };
    assert!(matches!(tried(&none), Err(SettingsError::Bound("delivery_timeout_ms"))));
    let folder = Folder { path: std::env::temp_dir(), mails_max: 0 };
    let none = settings(TransportSettings::Folder(folder));
    assert!(matches!(tried(&none), Err(SettingsError::Bound("mails_max"))));
}

#[tokio::test]
async fn secrets_are_not_shown() {
    for transport in [
        smtp("smtps://postman:s3cret@mail.example.org"),
        mailgun("mg.example.org", "s3cret", MAILGUN_EU_URL),
    ] {
        let settings = settings(transport);
        let mailer = tried(&settings).expect("good settings");
        let shown = format!("{settings:?} {mailer:?}");
        assert!(shown.contains("example.org") && !shown.contains("s3cret"), "{shown}");
    }
}

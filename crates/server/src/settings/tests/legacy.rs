//! The environment of the legacy service means the same here.

use super::{Start, start};

/// The environment of a machine of the legacy service.
const LEGACY: [(&str, &str); 19] = [
    ("PORT", "4000"),
    ("NODE_ENV", "production"),
    ("DATABASE_URL", super::URL),
    ("DATABASE_DIRECT_URL", super::URL),
    ("SHADOW_DATABASE_URL", super::URL),
    ("JWT_SECRET", super::SECRET),
    ("REDIS_HOST", "redis.example"),
    ("REDIS_PORT", "6379"),
    ("REDIS_PASSWORD", "canary"),
    ("REDIS_DB", "0"),
    ("FRONT_URL", "https://front.example"),
    ("FRONTEND_URL", "http://localhost:3000"),
    ("FRONTEND_URL_BIS", "https://bis.example"),
    ("WEB_URL", "https://www.salon.example/"),
    ("MAILGUN_API_KEY", "canary-key"),
    ("MAILGUN_DOMAIN", "mail.salon.example"),
    ("MAILGUN_BASE_URL", "https://api.mailgun.net/"),
    ("MESSAGE_RETENTION_DAYS", "180"),
    ("MESSAGE_HARD_DELETE_AFTER_DAYS", "0"),
];

const WITHOUT_USE: [&str; 5] =
    ["REDIS_DB", "REDIS_HOST", "REDIS_PASSWORD", "REDIS_PORT", "SHADOW_DATABASE_URL"];

#[test]
fn the_environment_of_the_legacy_service_starts_this_one() {
    let start = LEGACY.into_iter().fold(Start::default(), |start, (name, value)| {
        let arguments = vec!["messaging-server".into()];
        Start { arguments, ..start.with(name, value) }
    });
    let loaded = start.loaded();
    let mailer_settings = loaded.config.mail.mailer.expect("mail leaves");
    let mailer::TransportSettings::Mailgun(account) = mailer_settings.transport else {
        panic!("another transport")
    };
    assert_eq!(account.domain, "mail.salon.example");
    assert_eq!(account.base_url, "https://api.mailgun.net/");
    assert_eq!(mailer_settings.from, "noreply@mail.salon.example");
    // The first of FRONTEND_URL, WEB_URL and FRONT_URL that people can reach.
    assert_eq!(mailer_settings.site_url, "https://www.salon.example/");
    let policy = loaded.config.api.retention.policy;
    assert_eq!((policy.archive_after_days(), policy.delete_after_days()), (180, None));
    assert_eq!(loaded.unused, WITHOUT_USE);
    assert!(loaded.config.database.is_direct);
}

#[test]
fn only_the_environment_named_development_opens_what_is_for_developers() {
    let opened = |start: Start| {
        let config = start.config();
        let local = config.api.http.origins.to_string().contains("localhost");
        assert_eq!(config.general.in_production(), !local);
        assert_eq!(config.api.http.serve_docs, local);
        local
    };
    assert!(opened(start()));
    let unset = || {
        let mut start = start();
        start.environment.remove("NODE_ENV");
        start
    };
    assert!(!opened(unset()));
    for other in ["", "production", "staging", "test", "dev", "Development", "development "] {
        assert!(!opened(unset().with("NODE_ENV", other)), "{other:?}");
    }
    let docs = unset().with("HTTP_SERVE_DOCS", "on").config();
    assert!(docs.api.http.serve_docs, "its own variable opens it");
}

#[test]
fn the_variables_of_the_legacy_service_work_as_they_are() {
    let start = start()
        .with("PORT", "4321")
        .with("NODE_ENV", "production")
        .with("FRONT_URL", "https://a.example/")
        .with("FRONTEND_URL", "https://b.example,https://c.example")
        .with("FRONTEND_URL_BIS", "https://www.d.example")
        .with("WEB_URL", "http://e.example:8080");
    let config = start.config();
    assert_eq!(config.http.address().port(), 4_321);
    assert!(config.general.in_production());
    for origin in [
        "https://a.example",
        "https://www.b.example",
        "https://c.example",
        "https://d.example",
        "http://e.example:8080",
    ] {
        assert!(config.api.http.origins.allows(origin), "{origin}");
    }
    assert!(!config.api.http.origins.allows("http://localhost:3000"));
    assert!(super::start().config().api.http.origins.allows("http://localhost:3000"));
}

#[test]
fn variables_without_a_use_are_accepted_and_named() {
    let start = WITHOUT_USE.into_iter().fold(start(), |start, name| start.with(name, "canary"));
    assert_eq!(start.loaded().unused, WITHOUT_USE);
}

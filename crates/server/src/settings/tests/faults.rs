use super::{File, Refusal, Start, load, start};

#[test]
fn everything_wrong_is_reported_at_once_one_line_each() {
    let file = File::new("wrong.toml", "[http]\nprot = 1\nbacklog-connections-max = 0\n");
    let start = Start { arguments: vec!["messaging-server".into()], ..Start::default() }
        .with("MESSAGING_CONFIG", file.path())
        .with("PORT", "99999")
        .with("JWT_SECRET", "canary")
        .with("LOG_FORMAT", "canary")
        .with("WEB_URL", "canary")
        .flag("--realtime-ping-interval-ms=canary");
    let faults = start.faults();
    let expected = [
        "http.prot: is no setting",
        "PORT (http.port): must be a whole number from 0 to 65535 (environment)",
        "HTTP_BACKLOG_CONNECTIONS_MAX (http.backlog-connections-max): must be a whole number from 1 to 65535 (file)",
        "WEB_URL (origins.web-url): must be addresses such as https://example.org, or capacitor://localhost for an app, with no path (environment)",
        "JWT_SECRET (tokens.secret): must have at least 32 bytes (environment)",
        "REALTIME_PING_INTERVAL_MS (realtime.ping-interval-ms): must be a whole number from 100 to 600000 (flag)",
        "LOG_FORMAT (log.format): must be one of json, human (environment)",
        "DATABASE_URL (database.url): is missing",
    ];
    let lines: Vec<_> = faults.lines().collect();
    for line in &expected {
        assert!(lines.contains(line), "{line} in\n{faults}");
    }
    assert_eq!(lines.len(), expected.len(), "{faults}");
    assert!(!faults.contains("canary"), "{faults}");
}

#[test]
fn without_a_key_nothing_starts() {
    let mut start = start();
    start.environment.remove("JWT_SECRET");
    let missing = "JWT_SECRET (tokens.secret): is missing, and so is a key set\n";
    assert_eq!(start.faults(), missing);
    let file = File::new("keys.json", "{\"keys\":[]}");
    let start = start.with("JWT_JWKS_FILE", file.path());
    let empty = "JWT_JWKS_FILE (tokens.jwks-file): the key set has no key for signatures\n";
    assert_eq!(start.faults(), empty);
    let start = start.with("JWT_JWKS_FILE", "/nowhere/keys.json");
    let absent = "JWT_JWKS_FILE (tokens.jwks-file): cannot be read: entity not found\n";
    assert_eq!(start.faults(), absent);
}

#[test]
fn the_internal_api_has_a_port_of_its_own_or_none() {
    let faults = start().with("PORT", "4001").with("HTTP_INTERNAL_PORT", "4001").faults();
    assert_eq!(faults, "HTTP_INTERNAL_PORT (http.internal-port): must differ from PORT\n");
    let both = start().with("PORT", "0").with("HTTP_INTERNAL_PORT", "0").config();
    assert_eq!(both.http.internal_address(), Some(([127, 0, 0, 1], 0).into()));
    assert_eq!(start().config().http.internal_address(), None);
}

#[test]
fn uploads_may_hold_at_least_one_file() {
    let faults = start().with("FILES_UPLOAD_BYTES_MAX", "10485759").faults();
    let expected =
        "FILES_UPLOAD_BYTES_MAX (files.upload-bytes-max): must be at least FILES_FILE_BYTES_MAX\n";
    assert_eq!(faults, expected);
    let smaller =
        start().with("FILES_UPLOAD_BYTES_MAX", "1024").with("FILES_FILE_BYTES_MAX", "1024");
    assert_eq!(smaller.config().files.upload_bytes_max, 1_024);
}

#[test]
fn a_secret_that_others_could_guess_starts_nothing() {
    for name in ["JWT_SECRET", "JWT_PREVIOUS_SECRET", "JWT_SERVICE_SECRET", "RESUME_SIGNING_SECRET"]
    {
        for guessable in ["x".repeat(40), "change-me-change-me-change-me-please".into()] {
            let faults = start().with(name, guessable).faults();
            assert!(
                faults.starts_with(name) && faults.contains("must not repeat itself"),
                "{faults}"
            );
        }
    }
}

#[test]
fn mails_contain_no_links_without_tls() {
    let mail =
        || start().with("MAILGUN_API_KEY", "key").with("MAILGUN_DOMAIN", "mail.salon.example");
    let faults = mail().with("FILES_PUBLIC_URL", "http://messages.example").faults();
    assert!(faults.starts_with("FILES_PUBLIC_URL (files.public-url): must begin with https://"));
    for safe in ["https://messages.example", "http://localhost:4000", "http://127.0.0.1:4000/"] {
        assert!(mail().with("FILES_PUBLIC_URL", safe).config().mail.mailer.is_some(), "{safe}");
    }
    assert!(
        start().with("FILES_PUBLIC_URL", "http://messages.example").config().mail.mailer.is_none()
    );
}

#[test]
fn a_setting_under_its_former_name_is_refused_with_the_name_it_has_now() {
    let now = "was renamed: it is MAIL_SENDER_NAME (mail.sender-name) now\n";
    assert_eq!(start().with("MAIL_HOUSE", "planted").faults(), format!("MAIL_HOUSE: {now}"));
    let file = File::new("renamed.toml", "[mail]\nhouse = \"planted\"\n");
    let faults = start().with("MESSAGING_CONFIG", file.path()).faults();
    assert_eq!(faults, format!("mail.house: {now}"));
    for flag in ["--mail-house=planted", "--mail-house"] {
        let Err(Refusal::Usage(error)) = load(&start().flag(flag).flag("serve")) else {
            panic!("{flag} is taken")
        };
        let text = error.to_string();
        assert!(text.contains(&format!("--mail-house {now}")), "{text}");
        assert_eq!(error.exit_code(), 2);
    }
    // An empty variable counts as none.
    assert!(start().with("MAIL_HOUSE", "").loaded().unused.is_empty());
}

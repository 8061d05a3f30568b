use socketio::Transports;

use super::{File, Start, start};

#[test]
fn the_strongest_source_wins() {
    let file = File::new("precedence.toml", "[http]\nport = 1\nkeep-alive-s = 1\nworkers = 1\n");
    let start = start()
        .with("MESSAGING_CONFIG", file.path())
        .with("PORT", "2")
        .with("HTTP_KEEP_ALIVE_S", "2")
        .flag("--http-port=3");
    let http = start.config().http;
    assert_eq!(http.address().port(), 3, "flag over environment and file");
    assert_eq!(http.keep_alive_s, 2, "environment over file");
    assert_eq!(http.workers, Some(1), "file over default");
    assert_eq!(http.backlog_connections_max, 2_048, "default");
}

#[test]
fn a_flag_may_stand_before_or_behind_the_verb_and_the_last_one_counts() {
    for flags in [["--http-port=3", "serve"], ["serve", "--http-port=3"]] {
        let start = flags.into_iter().fold(start(), Start::flag);
        assert_eq!(start.config().http.address().port(), 3, "{flags:?}");
    }
    let start = start().flag("--http-port=3").flag("--http-port").flag("4");
    assert_eq!(start.config().http.address().port(), 4);
}

#[test]
fn a_flag_names_another_file_than_the_environment() {
    let weak = File::new("weak.toml", "[http]\nport = 1\n");
    let strong = File::new("strong.toml", "[http]\nport = 2\n");
    let start = start()
        .with("MESSAGING_CONFIG", weak.path())
        .flag(&format!("--config={}", strong.path().display()));
    assert_eq!(start.config().http.address().port(), 2);
}

#[test]
fn an_empty_variable_counts_as_none() {
    assert_eq!(start().with("PORT", "").config().http.address().port(), 4_000);
    assert!(start().with("JWT_SECRET", "").faults().starts_with("JWT_SECRET"));
}

#[test]
fn the_variables_of_the_service_before_this_one_work_as_they_are() {
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
    let unused = [
        "MAILGUN_API_KEY",
        "MAILGUN_BASE_URL",
        "MAILGUN_DOMAIN",
        "MESSAGE_HARD_DELETE_AFTER_DAYS",
        "MESSAGE_RETENTION_DAYS",
        "REDIS_DB",
        "REDIS_HOST",
        "REDIS_PASSWORD",
        "REDIS_PORT",
    ];
    let start = unused.into_iter().fold(start(), |start, name| start.with(name, "planted"));
    assert_eq!(start.loaded().unused, unused);
}

#[test]
fn the_transports_of_sockets_are_the_operator_s_to_choose() {
    let socket = start().config().api.realtime.socket;
    assert_eq!(socket.transports, Transports::PollingAndWebSocket);
    assert!(!socket.compression);
    let start = start()
        .with("REALTIME_TRANSPORTS", "websocket-only")
        .with("REALTIME_COMPRESSION", "on")
        .with("REALTIME_UPGRADE_TIMEOUT_MS", "101")
        .with("REALTIME_POLLING_TOMBSTONE_MS", "102");
    let socket = start.config().api.realtime.socket;
    assert_eq!(socket.transports, Transports::WebSocketOnly);
    assert!(socket.compression);
    assert_eq!((socket.upgrade_timeout_ms, socket.polling_tombstone_ms), (101, 102));
}

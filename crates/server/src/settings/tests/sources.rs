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

//! The guarantees for handlers: order of events, acknowledgements, disconnects and panics.

mod support;

use serde_json::json;
use socketio::{Config, DisconnectReason, EmitError, Frame, Server};
use support::{
    TestServer, connect, default_heartbeat,
    probe::{Decision, ProbeEvent, probe, probe_server},
};

#[actix_web::test]
async fn events_are_handled_in_order_and_all_before_the_disconnect() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    let mut client = connect(&server).await;
    for n in 0..20 {
        client.send_text(&format!(r#"42["n",{n}]"#)).await;
    }
    client.send_text("41").await;
    client.send_text("1").await;
    client.until_closed().await;
    observer.socket().await;
    observer.open_gate();
    for n in 0..20 {
        assert_eq!(observer.event().await.args[0].get(), n.to_string());
    }
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::ClientNamespaceDisconnect);
    server.server.close(support::TIMEOUT).await;
    assert!(observer.is_idle(), "the last call is made once");
}

#[actix_web::test]
async fn what_came_just_before_a_lost_connection_is_handled() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    let mut client = connect(&server).await;
    client.send_text(r#"42["leave"]"#).await;
    drop(client);
    observer.socket().await;
    observer.open_gate();
    assert_eq!(observer.event().await.name, "leave");
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::TransportClose);
}

#[actix_web::test]
async fn a_handler_that_takes_its_time_stops_no_heartbeat() {
    let (server, mut observer) = probe_server(support::frequent_pings(), Decision::Accept);
    let mut client = connect(&server).await;
    client.send_text(r#"42["slow"]"#).await;
    for _ in 0..3 {
        assert_eq!(client.receive_text().await, "2");
        client.send_text("3").await;
    }
    observer.socket().await;
    assert!(observer.is_idle());
    observer.open_gate();
    assert_eq!(observer.event().await.name, "slow");
}

#[actix_web::test]
async fn a_client_whose_events_pile_up_is_not_read_but_not_disconnected() {
    let config = Config { inbox_events: 2, ..support::fast_heartbeat() };
    let (server, mut observer) = probe_server(config, Decision::Accept);
    let mut client = connect(&server).await;
    for n in 0..10 {
        client.send_text(&format!(r#"42["n",{n}]"#)).await;
    }
    // The pongs stay unread behind the events for longer than the pong timeout.
    for _ in 0..4 {
        assert_eq!(client.receive_text().await, "2");
        client.send_text("3").await;
    }
    observer.open_gate();
    observer.socket().await;
    for n in 0..10 {
        assert_eq!(observer.event().await.args[0].get(), n.to_string());
    }
}

#[actix_web::test]
async fn an_acknowledgement_goes_out_once_or_not_at_all() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    let mut client = connect(&server).await;
    observer.open_gate();
    client.send_text(r#"421["dropped"]"#).await;
    client.send_text(r#"422["answered"]"#).await;
    client.send_text(r#"42["without"]"#).await;
    observer.socket().await;
    drop(observer.event().await.ack.expect("an id"));
    let ack = observer.event().await.ack.expect("an id");
    ack.send(&json!({ "ok": true })).expect("sent");
    assert!(observer.event().await.ack.is_none());
    assert_eq!(client.receive_text().await, r#"432[{"ok":true}]"#);
}

#[actix_web::test]
async fn a_panic_costs_one_session_and_the_handler_still_gets_its_last_call() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    observer.open_gate();
    let mut other = connect(&server).await;
    let mut client = connect(&server).await;
    client.send_text(r#"42["panic"]"#).await;
    client.send_text(r#"42["never"]"#).await;
    assert_eq!(client.closed_with().await, Some(1011));
    observer.socket().await;
    observer.socket().await;
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::HandlerPanicked);
    other.send_text(r#"42["fine"]"#).await;
    assert_eq!(observer.event().await.name, "fine");
}

#[actix_web::test]
async fn a_socket_disconnected_by_the_application_gets_a_disconnect_and_its_session_goes_on() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    observer.open_gate();
    let mut client = connect(&server).await;
    let socket = observer.socket().await;
    socket.emit("last", &1).expect("sent");
    socket.disconnect();
    assert!(matches!(socket.emit("late", &1), Err(EmitError::Closed)));
    assert_eq!(client.receive_text().await, r#"42["last",1]"#);
    assert_eq!(client.receive_text().await, "41");
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerNamespaceDisconnect);
    // The client may have sent this before it received the disconnect.
    client.send_text(r#"42["crossing"]"#).await;
    client.send_text("40").await;
    assert!(client.receive_text().await.starts_with("40{"));
}

#[actix_web::test]
async fn a_socket_disconnected_before_its_answer_is_answered_and_then_disconnected() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::AcceptLater);
    let mut client = server.open().await;
    client.send_text("40").await;
    let ProbeEvent::ConnectRequested(socket) = observer.next().await else {
        panic!("expected to be asked");
    };
    socket.disconnect();
    observer.open_gate();
    assert!(client.receive_text().await.starts_with("40{"));
    assert_eq!(client.receive_text().await, "41");
    observer.socket().await;
    let reason = observer.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerNamespaceDisconnect);
}

#[actix_web::test]
async fn a_session_closed_by_the_application_disconnects_each_namespace() {
    let (root, mut observer) = probe(Decision::Accept);
    let (other, _other) = probe(Decision::Accept);
    let server = Server::builder(default_heartbeat())
        .namespace("/", root)
        .namespace("/other", other)
        .build();
    let server = TestServer::start(server);
    let mut client = connect(&server).await;
    client.send_text("40/other").await;
    client.receive_text().await;
    observer.socket().await.close_session();
    let (code, received) = client.until_closed().await;
    assert_eq!(received, ["41", "41/other,"]);
    assert_eq!(code, Some(1000));
}

#[actix_web::test]
async fn a_frame_of_another_namespace_is_refused() {
    let (server, mut observer) = probe_server(default_heartbeat(), Decision::Accept);
    let _client = connect(&server).await;
    let frame = Frame::new("/other", "x", &1).expect("JSON");
    let refused = observer.socket().await.send(&frame);
    assert!(matches!(refused, Err(EmitError::ForeignNamespace)));
}

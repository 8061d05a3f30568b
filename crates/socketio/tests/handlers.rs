//! What an application can count on.

mod support;

use serde_json::json;
use socketio::{Config, DisconnectReason, EmitError, Frame, Server};
use support::{
    Running, calm, connected,
    probe::{Decision, Happened, probe, probed},
};

#[actix_web::test]
async fn events_are_handled_in_order_and_all_before_the_disconnect() {
    let (server, mut watcher) = probed(calm(), Decision::Accept);
    let mut client = connected(&server).await;
    for n in 0..20 {
        client.say(&format!(r#"42["n",{n}]"#)).await;
    }
    client.say("41").await;
    client.say("1").await;
    client.until_closed().await;
    watcher.socket().await;
    watcher.open_gate();
    for n in 0..20 {
        assert_eq!(watcher.event().await.args[0].get(), n.to_string());
    }
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::ClientNamespaceDisconnect);
    server.server.close(support::PATIENCE).await;
    assert!(watcher.is_quiet(), "the last call is made once");
}

#[actix_web::test]
async fn what_came_just_before_a_lost_connection_is_handled() {
    let (server, mut watcher) = probed(calm(), Decision::Accept);
    let mut client = connected(&server).await;
    client.say(r#"42["leave"]"#).await;
    drop(client);
    watcher.socket().await;
    watcher.open_gate();
    assert_eq!(watcher.event().await.name, "leave");
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::TransportClose);
}

#[actix_web::test]
async fn a_handler_that_takes_its_time_stops_no_heartbeat() {
    let (server, mut watcher) = probed(support::quick(), Decision::Accept);
    let mut client = connected(&server).await;
    client.say(r#"42["slow"]"#).await;
    for _ in 0..3 {
        assert_eq!(client.hear().await, "2");
        client.say("3").await;
    }
    watcher.socket().await;
    assert!(watcher.is_quiet());
    watcher.open_gate();
    assert_eq!(watcher.event().await.name, "slow");
}

#[actix_web::test]
async fn a_client_whose_events_pile_up_is_held_back_but_not_cut_off() {
    let config = Config { inbox_events: 2, ..support::quick() };
    let (server, mut watcher) = probed(config, Decision::Accept);
    let mut client = connected(&server).await;
    for n in 0..10 {
        client.say(&format!(r#"42["n",{n}]"#)).await;
    }
    // The pongs stay unread behind the events, for longer than a pong may take.
    for _ in 0..4 {
        assert_eq!(client.hear().await, "2");
        client.say("3").await;
    }
    watcher.open_gate();
    watcher.socket().await;
    for n in 0..10 {
        assert_eq!(watcher.event().await.args[0].get(), n.to_string());
    }
}

#[actix_web::test]
async fn an_acknowledgement_goes_out_once_or_not_at_all() {
    let (server, mut watcher) = probed(calm(), Decision::Accept);
    let mut client = connected(&server).await;
    watcher.open_gate();
    client.say(r#"421["dropped"]"#).await;
    client.say(r#"422["answered"]"#).await;
    client.say(r#"42["without"]"#).await;
    watcher.socket().await;
    drop(watcher.event().await.ack.expect("an id"));
    let ack = watcher.event().await.ack.expect("an id");
    ack.send(&json!({ "ok": true })).expect("sent");
    assert!(watcher.event().await.ack.is_none());
    assert_eq!(client.hear().await, r#"432[{"ok":true}]"#);
}

#[actix_web::test]
async fn a_panic_costs_one_session_and_the_handler_still_hears_of_the_end() {
    let (server, mut watcher) = probed(calm(), Decision::Accept);
    watcher.open_gate();
    let mut other = connected(&server).await;
    let mut client = connected(&server).await;
    client.say(r#"42["panic"]"#).await;
    client.say(r#"42["never"]"#).await;
    assert_eq!(client.closed_with().await, Some(1011));
    watcher.socket().await;
    watcher.socket().await;
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::HandlerPanicked);
    other.say(r#"42["fine"]"#).await;
    assert_eq!(watcher.event().await.name, "fine");
}

#[actix_web::test]
async fn a_socket_disconnected_by_the_application_is_told_and_its_session_goes_on() {
    let (server, mut watcher) = probed(calm(), Decision::Accept);
    watcher.open_gate();
    let mut client = connected(&server).await;
    let socket = watcher.socket().await;
    socket.emit("last", &1).expect("sent");
    socket.disconnect();
    assert!(matches!(socket.emit("late", &1), Err(EmitError::Closed)));
    assert_eq!(client.hear().await, r#"42["last",1]"#);
    assert_eq!(client.hear().await, "41");
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerNamespaceDisconnect);
    // The client may have said this before it heard.
    client.say(r#"42["crossing"]"#).await;
    client.say("40").await;
    assert!(client.hear().await.starts_with("40{"));
}

#[actix_web::test]
async fn a_socket_disconnected_before_its_answer_is_answered_and_then_told() {
    let (server, mut watcher) = probed(calm(), Decision::AcceptLater);
    let mut client = server.open().await;
    client.say("40").await;
    let Happened::Asked(socket) = watcher.next().await else {
        panic!("expected to be asked");
    };
    socket.disconnect();
    watcher.open_gate();
    assert!(client.hear().await.starts_with("40{"));
    assert_eq!(client.hear().await, "41");
    watcher.socket().await;
    let reason = watcher.disconnected().await;
    assert_eq!(reason, DisconnectReason::ServerNamespaceDisconnect);
}

#[actix_web::test]
async fn a_session_closed_by_the_application_says_farewell_to_each_namespace() {
    let (root, mut watcher) = probe(Decision::Accept);
    let (other, _other) = probe(Decision::Accept);
    let server = Server::builder(calm()).namespace("/", root).namespace("/other", other).build();
    let server = Running::start(server);
    let mut client = connected(&server).await;
    client.say("40/other").await;
    client.hear().await;
    watcher.socket().await.close_session();
    let (code, heard) = client.until_closed().await;
    assert_eq!(heard, ["41", "41/other,"]);
    assert_eq!(code, Some(1000));
}

#[actix_web::test]
async fn a_frame_of_another_namespace_is_refused() {
    let (server, mut watcher) = probed(calm(), Decision::Accept);
    let _client = connected(&server).await;
    let frame = Frame::new("/other", "x", &1).expect("JSON");
    let refused = watcher.socket().await.send(&frame);
    assert!(matches!(refused, Err(EmitError::ForeignNamespace)));
}

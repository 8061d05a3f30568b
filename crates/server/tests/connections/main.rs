//! Connections and descriptors are bounded: deadlines on each request, bounds per address and in all, a reserve for
//! newcomers, and the limit of file descriptors.

use std::{fs, io, net::Ipv4Addr, time::Duration};

use serde_json::json;
use testkit::{
    Fault,
    database::Database,
    fault::same,
    person::Person,
    polling::Polling,
    server::{Launch, Server},
    test_app::{TestApp, log_of_this_test},
    wait,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

const SERVER: &str = env!("CARGO_BIN_EXE_messaging-server");
/// Starts the server with other limits of file descriptors.
const WITH_ULIMIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/connections/with_ulimit.sh");

/// Long enough that no test waits for it.
const NEVER_S: &str = "600";
const NEVER_MS: &str = "600000";
/// Short enough to wait for it.
const SOON_MS: &str = "1000";

const GOOD: &str = "GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
const HALF: &str = "GET /health/live HTTP/1.1\r\nho";
/// Where attackers connect from. Everything else is from 127.0.0.1.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A connection on which bytes are sent as they are.
struct Connection(TcpStream);

impl Connection {
    /// Connects from `address`.
    async fn open(app: &TestApp, address: Ipv4Addr) -> Result<Self, Fault> {
        let socket = TcpSocket::new_v4().map_err(Fault::while_doing("make a socket"))?;
        Self::open_on(socket, app, address).await
    }

    async fn open_on(socket: TcpSocket, app: &TestApp, address: Ipv4Addr) -> Result<Self, Fault> {
        socket.bind((address, 0).into()).map_err(Fault::while_doing("bind a socket"))?;
        let server = ([127, 0, 0, 1], port(app)?).into();
        let opened = wait::within("a connection", socket.connect(server)).await?;
        opened.map(Self).map_err(Fault::while_doing("connect"))
    }

    /// Sends; a connection that is closed already takes nothing.
    async fn send(&mut self, text: &str) {
        let _closed = self.0.write_all(text.as_bytes()).await;
    }

    /// The status and the body of the next answer; `None` if the connection is closed instead.
    async fn answer(&mut self) -> Result<Option<(u16, String)>, Fault> {
        wait::within("an answer", async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return Ok(None),
                }
            }
            let head = String::from_utf8_lossy(&head);
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            let mut body = vec![0; length];
            let read = self.0.read_exact(&mut body).await;
            read.map_err(Fault::while_doing("read a body"))?;
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
            let status = status.ok_or_else(|| Fault::new(format!("no status: {head}")))?;
            Ok(Some((status, String::from_utf8_lossy(&body).into_owned())))
        })
        .await?
    }

    /// Asks, and expects a status.
    async fn ask(&mut self, request: &str, status: u16) -> Result<(), Fault> {
        self.send(request).await;
        let answer = self.answer().await?.map(|(status, _)| status);
        same(request.lines().next().unwrap_or_default(), answer, Some(status))
    }

    /// Waits until the server closes it.
    async fn closed(mut self, what: &str) -> Result<(), Fault> {
        let mut rest = Vec::new();
        match wait::within(what, self.0.read_to_end(&mut rest)).await? {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            Err(error) => Err(Fault::while_doing("read to the end")(error)),
        }
    }

    fn port(&self) -> Result<u16, Fault> {
        let address = self.0.local_addr().map_err(Fault::while_doing("look at a socket"))?;
        Ok(address.port())
    }
}

fn port(app: &TestApp) -> Result<u16, Fault> {
    let url = app.server.url();
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
    port.ok_or_else(|| Fault::new(format!("no port: {url}")))
}

/// The ports of clients at `address` whose connections the server holds.
fn held(app: &TestApp, address: Ipv4Addr) -> Result<Vec<u16>, Fault> {
    const ESTABLISHED: &str = "01";
    let table = fs::read_to_string("/proc/net/tcp");
    let table = table.map_err(Fault::while_doing("read the connections of the system"))?;
    let node = |address: Ipv4Addr, port: u16| {
        format!("{:08X}:{port:04X}", u32::from_le_bytes(address.octets()))
    };
    let server = node(Ipv4Addr::LOCALHOST, port(app)?);
    let client = node(address, 0);
    let of_line = |line: &str| {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [_, local, remote, state, _, _, _, _, _, inode, ..] = columns[..] else { return None };
        let (host, port) = remote.split_once(':')?;
        let is_held = local == server && state == ESTABLISHED && inode != "0";
        (is_held && client.starts_with(host)).then(|| u16::from_str_radix(port, 16).ok()).flatten()
    };
    Ok(table.lines().filter_map(of_line).collect())
}

/// Whoever comes from another address is served.
async fn newcomer_is_served(app: &TestApp) -> Result<(), Fault> {
    for path in ["/health/live", "/health/ready"] {
        app.anonymous().get(path).await?.expect(200)?;
    }
    Ok(())
}

/// Sends a good request and half a head over `count` connections from elsewhere, one after another; newcomers get in
/// meanwhile. Returns the connections that were answered.
async fn attack(app: &TestApp, count: usize) -> Result<Vec<Connection>, Fault> {
    let mut answered = Vec::new();
    for _ in 0..count {
        let mut connection = Connection::open(app, ELSEWHERE).await?;
        connection.send(&format!("{GOOD}{HALF}")).await;
        if connection.answer().await?.is_some_and(|(status, _)| status == 200) {
            answered.push(connection);
        }
        newcomer_is_served(app).await?;
    }
    Ok(answered)
}

#[tokio::test]
async fn an_address_holds_only_so_many_connections_and_newcomers_from_elsewhere_get_in()
-> Result<(), Fault> {
    let settings = [
        ("HTTP_CONNECTIONS_PER_ADDRESS_MAX", "8"),
        ("HTTP_CLIENT_REQUEST_TIMEOUT_MS", NEVER_MS),
        ("HTTP_KEEP_ALIVE_S", NEVER_S),
    ];
    let app = TestApp::start_with(SERVER, &settings).await?;
    let mut answered = attack(&app, 20).await?;
    same("answered", answered.len(), 8)?;
    same("held", held(&app, ELSEWHERE)?.len(), 8)?;
    // One that ends makes room for another.
    drop(answered.pop());
    wait::until("room for another", async || {
        let mut connection = Connection::open(&app, ELSEWHERE).await?;
        connection.send(GOOD).await;
        connection.answer().await
    })
    .await
    .map(drop)
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_address_is_not_counted() -> Result<(), Fault> {
    let settings = [("HTTP_CONNECTIONS_PER_ADDRESS_MAX", "8"), ("LIMITS_TRUSTED_PROXY_HOPS", "1")];
    let app = TestApp::start_with(SERVER, &settings).await?;
    same("answered", attack(&app, 20).await?.len(), 20)
}

#[tokio::test]
async fn sockets_do_not_count_for_their_address() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &[("HTTP_CONNECTIONS_PER_ADDRESS_MAX", "4")]).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let mut sockets = Vec::new();
    for _ in 0..8 {
        sockets.push(app.socket(&salon).await?);
    }
    newcomer_is_served(&app).await?;
    for socket in &mut sockets {
        socket.catch_up().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_head_of_every_request_has_a_deadline() -> Result<(), Fault> {
    let settings = [("HTTP_CLIENT_REQUEST_TIMEOUT_MS", SOON_MS), ("HTTP_KEEP_ALIVE_S", NEVER_S)];
    let app = TestApp::start_with(SERVER, &settings).await?;
    let mut idle = Connection::open(&app, ELSEWHERE).await?;
    idle.ask(GOOD, 200).await?;

    let mut first = Connection::open(&app, ELSEWHERE).await?;
    first.send(HALF).await;
    first.closed("the first request").await?;

    let mut second = Connection::open(&app, ELSEWHERE).await?;
    second.ask(GOOD, 200).await?;
    second.send(HALF).await;
    second.closed("the second request").await?;

    let mut together = Connection::open(&app, ELSEWHERE).await?;
    together.ask(&format!("{GOOD}{HALF}"), 200).await?;
    together.closed("half a request together with the one before").await?;

    // A connection without half a request is none of that.
    idle.ask(GOOD, 200).await
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_has_the_same_deadline() -> Result<(), Fault> {
    let settings = [("HTTP_CLIENT_REQUEST_TIMEOUT_MS", SOON_MS), ("HTTP_KEEP_ALIVE_S", NEVER_S)];
    let app = TestApp::start_with(SERVER, &settings).await?;
    let mut slow = Connection::open(&app, ELSEWHERE).await?;
    slow.ask(GOOD, 200).await?;
    slow.send(HALF).await;
    wait::until("the end of a slow head", async || {
        Ok(slow.0.write_all(b"o").await.is_err().then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_rest_of_a_body_that_nobody_reads_has_a_deadline() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &[("HTTP_KEEP_ALIVE_S", "1")]).await?;
    let mut connection = Connection::open(&app, ELSEWHERE).await?;
    let begun =
        "POST /nowhere HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    connection.ask(begun, 404).await?;
    connection.closed("a body without an end").await
}

#[tokio::test]
async fn an_answer_that_is_not_read_does_not_hold_a_connection() -> Result<(), Fault> {
    let settings = [("HTTP_RESPONSE_STALL_TIMEOUT_MS", SOON_MS), ("HTTP_KEEP_ALIVE_S", NEVER_S)];
    let app = TestApp::start_with(SERVER, &settings).await?;
    let socket = TcpSocket::new_v4().map_err(Fault::while_doing("make a socket"))?;
    let narrow = socket.set_recv_buffer_size(4_096);
    narrow.map_err(Fault::while_doing("make the buffer of a socket small"))?;
    let mut lazy = Connection::open_on(socket, &app, ELSEWHERE).await?;
    // More than the buffers of the system take.
    let large = "GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: a\r\n\r\n";
    lazy.send(&large.repeat(16)).await;
    let port = lazy.port()?;
    wait::until("the server to begin", async || {
        Ok(held(&app, ELSEWHERE)?.contains(&port).then_some(()))
    })
    .await?;
    wait::until("the server to give up", async || {
        Ok((!held(&app, ELSEWHERE)?.contains(&port)).then_some(()))
    })
    .await
}

#[tokio::test]
async fn sockets_and_held_polls_outlive_the_deadlines_of_requests() -> Result<(), Fault> {
    let settings = [
        ("HTTP_CLIENT_REQUEST_TIMEOUT_MS", SOON_MS),
        ("HTTP_CLIENT_DISCONNECT_TIMEOUT_MS", "100"),
        ("HTTP_RESPONSE_STALL_TIMEOUT_MS", SOON_MS),
        ("HTTP_BODY_DEADLINE_MS", SOON_MS),
        ("HTTP_KEEP_ALIVE_S", "1"),
    ];
    let app = TestApp::start_with(SERVER, &settings).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let client = Person::client("client-1", "Camille", "Martin");
    let conversation = app.conversation(&salon, &client).await?;
    let here = json!({ "conversationId": conversation });
    let socket = app.socket(&salon).await?;
    let polling = Polling::open(&app.server.url()).await?;
    polling.enter(&app.token(&client)?).await?;
    let joins = format!("42/messaging,1[\"join-conversation\",{here}]");
    polling.post(joins.into_bytes()).await?.expect(200)?;
    polling.wait_for("43/messaging,1").await?;
    let held = tokio::spawn({
        let polling = polling.clone();
        async move { polling.wait_for("42/messaging,[\"new-message\"").await }
    });
    // Every deadline has passed, also that of an idle connection.
    for _ in 0..2 {
        let mut idle = Connection::open(&app, ELSEWHERE).await?;
        idle.ask(GOOD, 200).await?;
        idle.closed("an idle connection").await?;
    }
    let message = json!({ "conversationId": conversation, "content": "Bonjour" });
    socket.call_ok("send-message", &message).await?;
    wait::within("the poll", held).await?.map_err(Fault::while_doing("wait for the poll"))??;
    Ok(())
}

/// Few connections on one worker.
const FEW: [(&str, &str); 5] = [
    ("HTTP_WORKERS", "1"),
    ("HTTP_CONNECTIONS_PER_WORKER_MAX", "12"),
    ("HTTP_RESERVED_CONNECTIONS", "4"),
    ("HTTP_CLIENT_REQUEST_TIMEOUT_MS", NEVER_MS),
    ("HTTP_KEEP_ALIVE_S", NEVER_S),
];

#[tokio::test]
async fn strangers_give_way_to_newcomers_and_signed_in_people_stay() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &FEW).await?;
    let salon = Person::salon("salon-1", "Encre Noire");
    let mut socket = app.socket(&salon).await?;
    let signed_in = format!(
        "GET /messaging/conversations HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        app.token(&salon)?
    );
    let mut person = Connection::open(&app, Ipv4Addr::LOCALHOST).await?;
    person.ask(&signed_in, 200).await?;

    let answered = attack(&app, 40).await?;
    same("answered", answered.len(), 40)?;
    // All but the socket's and the person's.
    wait::until("strangers to be closed", async || {
        Ok((held(&app, ELSEWHERE)?.len() <= 10).then_some(()))
    })
    .await?;
    person.ask(&signed_in, 200).await?;
    socket.catch_up().await
}

#[tokio::test]
async fn sockets_leave_the_reserve_to_newcomers() -> Result<(), Fault> {
    let app = TestApp::start_with(SERVER, &FEW).await?;
    let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let (mut sockets, mut statuses) = (Vec::new(), Vec::new());
    for _ in 0..12 {
        let mut connection = Connection::open(&app, ELSEWHERE).await?;
        connection.send(upgrade).await;
        statuses.extend(connection.answer().await?.map(|(status, _)| status));
        sockets.push(connection);
        newcomer_is_served(&app).await?;
    }
    let expected: Vec<_> = [vec![101; 8], vec![503; 4]].concat();
    same("the statuses", statuses, expected)
}

fn launch(database: &Database, limits: &str) -> Launch {
    Launch::new(WITH_ULIMIT, &database.url(), log_of_this_test())
        .with("TEST_PROGRAM", SERVER)
        .with("TEST_ULIMIT", limits)
        .with("HTTP_WORKERS", "1")
}

#[tokio::test]
async fn the_soft_limit_of_descriptors_is_raised_to_the_hard_one() -> Result<(), Fault> {
    let database = Database::fresh().await?;
    let server = Server::start(launch(&database, "-Sn 300")).await?;
    let pid = server.pid().ok_or_else(|| Fault::new("the server is gone"))?;
    let limits = fs::read_to_string(format!("/proc/{pid}/limits"));
    let limits = limits.map_err(Fault::while_doing("read the limits of the server"))?;
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let [soft, hard, ..] = files.unwrap_or_default().split_whitespace().collect::<Vec<_>>()[..]
    else {
        return Err(Fault::new(limits));
    };
    same("the soft limit", soft, hard)?;
    assert_ne!(soft, "300");
    Ok(())
}

#[tokio::test]
async fn too_few_descriptors_lower_the_bound_of_connections_and_say_so() -> Result<(), Fault> {
    let database = Database::fresh().await?;
    let server = Server::start(launch(&database, "-n 512")).await?;
    let log = server.log()?;
    let warning = log.lines().find(|line| line.contains("HTTP_CONNECTIONS_PER_WORKER_MAX"));
    let warning = warning.ok_or_else(|| Fault::new(format!("no warning: {log}")))?;
    for number in ["512", "25000"] {
        assert!(warning.contains(number), "{warning}");
    }
    // More strangers than descriptors: they give way, and the database is still asked.
    let app = TestApp { server, database };
    let mut strangers = Vec::new();
    for _ in 0..600 {
        let mut stranger = Connection::open(&app, ELSEWHERE).await?;
        stranger.ask(GOOD, 200).await?;
        strangers.push(stranger);
    }
    newcomer_is_served(&app).await?;
    app.introduce(&Person::salon("salon-1", "Encre Noire")).await
}

#[tokio::test]
async fn with_hardly_any_descriptors_the_start_is_refused_with_the_numbers() -> Result<(), Fault> {
    let database = Database::fresh().await?;
    let mut server = Server::spawn(launch(&database, "-n 320"))?;
    let status = wait::at_most(Duration::from_secs(30), "the refusal", server.ended()).await??;
    same("the exit status", status.code(), Some(2))?;
    let log = server.log()?;
    assert!(log.contains("320 file descriptors"), "{log}");
    Ok(())
}

//! A real mail server: what it takes, and every way in which it does not.

use std::time::Instant;

use domain::{
    ids::MailId,
    mail::store::{DeliveryError, MailSender},
};
use mailer::Settings;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpListener,
    task::JoinHandle,
};

use crate::{
    emails::{email_to, mailer, settings},
    server::{MailServer, smtp},
};

/// Says in full what a log would.
fn chain(error: &DeliveryError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn a_mail_arrives_at_a_real_mail_server() {
    let mut server = MailServer::start().await;
    let mailer = mailer(&settings(server.transport()));
    mailer.deliver(&email_to("lea@example.org")).await.expect("taken");
    let mail = server.mail().await;
    assert_eq!(
        (mail.from.as_str(), mail.to),
        ("noreply@mail.example.org", vec!["lea@example.org".into()])
    );
    assert!(
        mail.text
            .contains("Message-ID: <0199c0de-0000-7000-8000-000000000001@mail.example.org>\r\n")
    );
    assert!(mail.text.contains("Subject: Nouveau message de Encre Noire\r\n"));
}

/// A mail server without SMTPUTF8 that takes one mail. Returns its port and, afterwards, what it was told.
async fn plain_server() -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let received = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a caller");
        let mut stream = BufReader::new(stream);
        let (mut received, mut is_mail) = (String::new(), false);
        stream.write_all(b"220 plain.test\r\n").await.expect("they listen");
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("ASCII");
            received.push_str(&line);
            let answer = match line.trim_end() {
                "." => return received,
                _ if is_mail => continue,
                "DATA" => {
                    is_mail = true;
                    "354 go on\r\n"
                }
                _ => "250 plain.test\r\n",
            };
            stream.write_all(answer.as_bytes()).await.expect("they listen");
        }
    });
    (port, received)
}

#[tokio::test]
async fn a_domain_with_accents_is_told_to_the_mail_server_in_ascii() {
    let (port, received) = plain_server().await;
    let accents = Settings {
        from: "noreply@Café.example".to_owned(),
        ..settings(smtp(&format!("smtp://127.0.0.1:{port}")))
    };
    // It hangs up when it has the mail.
    let _broken = mailer(&accents).deliver(&email_to("lea@Bücher.example")).await;
    let received = received.await.expect("it received a mail");
    for line in [
        "MAIL FROM:<noreply@xn--caf-dma.example>",
        "RCPT TO:<lea@xn--bcher-kva.example>",
        "To: lea@xn--bcher-kva.example",
        "Message-ID: <0199c0de-0000-7000-8000-000000000001@xn--caf-dma.example>",
    ] {
        assert!(received.lines().any(|known| known == line), "{line} is not in:\n{received}");
    }
}

#[tokio::test]
async fn an_address_that_no_server_could_have_is_no_mailbox() {
    let server = MailServer::start().await;
    let mailer = mailer(&settings(server.transport()));
    for bad in ["lea@\u{ad}", "lea@xn--a-é.example", "lea"] {
        let error = mailer.deliver(&email_to(bad)).await.expect_err(bad);
        assert!(matches!(error, DeliveryError::NoSuchMailbox(_)), "{bad}: {error:?}");
    }
}

#[tokio::test]
async fn each_refusal_has_its_outcome_and_names_nobody() {
    let mut server = MailServer::start().await;
    let mailer = mailer(&settings(server.transport()));
    let outcome = async |word: &str| {
        let error =
            mailer.deliver(&email_to(&format!("{word}@example.org"))).await.expect_err(word);
        let received = chain(&error);
        assert!(!received.contains("lea") && !received.contains("example.org"), "{received}");
        match error {
            DeliveryError::Later(_) => "later",
            DeliveryError::Refused(_) => "refused",
            DeliveryError::NoSuchMailbox(_) => "no such mailbox",
        }
    };
    let table = [
        ("busy", "later"),
        ("unknown", "no such mailbox"),
        ("nameless", "no such mailbox"),
        ("blocked", "refused"),
        // Ours to mend, not the mail's fault.
        ("stranger", "later"),
        ("full", "later"),
        ("spam", "refused"),
    ];
    for (word, expected) in table {
        assert_eq!(outcome(word).await, expected, "{word}");
    }
    // None of them spoiled the next mail.
    mailer.deliver(&email_to("lea@example.org")).await.expect("taken");
    assert_eq!(server.mail().await.to, ["lea@example.org"]);
}

#[tokio::test]
async fn a_server_that_says_no_more_does_not_hold_a_mail_for_long() {
    for word in ["silent", "mute"] {
        let mut server = MailServer::start().await;
        let hasty = Settings { delivery_timeout_ms: 300, ..settings(server.transport()) };
        let begun = Instant::now();
        let error = mailer(&hasty).deliver(&email_to(&format!("{word}@example.org"))).await;
        assert!(matches!(error, Err(DeliveryError::Later(_))), "{word}: {error:?}");
        assert!(begun.elapsed().as_millis() >= 300, "{word}: it did not wait at all");
        server.next("silent").await;
    }
}

#[tokio::test]
async fn a_server_that_does_not_greet_is_given_up() {
    let server = MailServer::start_with(&json!({ "greets": false })).await;
    let hasty = Settings { connect_timeout_ms: 300, ..settings(server.transport()) };
    let error =
        mailer(&hasty).deliver(&email_to("lea@example.org")).await.expect_err("no greeting");
    assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_dies_with_the_mail_gets_the_same_mail_again() {
    let mut server = MailServer::start().await;
    let email = email_to("fatal@example.org");
    let error = mailer(&settings(server.transport())).deliver(&email).await.expect_err("it died");
    assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
    let first = server.mail().await.text;

    let mut other = MailServer::start().await;
    let error = mailer(&settings(other.transport())).deliver(&email).await.expect_err("it died");
    assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
    assert_eq!(other.mail().await.text, first);
}

#[tokio::test]
async fn nobody_listening_is_no_reason_to_give_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let mailer = mailer(&settings(smtp(&format!("smtp://127.0.0.1:{port}"))));
    let error = mailer.deliver(&email_to("lea@example.org")).await.expect_err("nobody");
    assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
}

#[tokio::test]
async fn an_address_that_is_none_is_not_tried() {
    let server = MailServer::start().await;
    let mailer = mailer(&settings(server.transport()));
    for bad in ["lea", "a@b.org, c@d.org", "a@b.org\r\nRCPT TO:<c@d.org>", "<a@b.org>", "", "a@b@c"]
    {
        let error = mailer.deliver(&email_to(bad)).await.expect_err(bad);
        assert!(matches!(error, DeliveryError::NoSuchMailbox(_)), "{bad:?}: {error:?}");
    }
    assert_eq!(server.end().await, []);
}

#[tokio::test]
async fn mails_share_connections_and_there_are_never_too_many() {
    let server = MailServer::start().await;
    let mailer = mailer(&settings(server.transport()));
    let emails: Vec<_> = (0..20)
        .map(|number| {
            let mut email = email_to("lea@example.org");
            email.id = MailId::parse(&format!("mail-{number}")).expect("an id");
            email
        })
        .collect();
    let deliveries = emails.iter().map(|email| mailer.deliver(email));
    for delivered in futures_util::future::join_all(deliveries).await {
        delivered.expect("taken");
    }
    let received = server.end().await;
    let count = |what: &str| received.iter().filter(|(name, _)| name == what).count();
    assert_eq!((count("mail"), count("connected")), (20, 2));
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_costs_no_mail() {
    let server = MailServer::start().await;
    let mailer = mailer(&settings(server.transport()));
    mailer.deliver(&email_to("lea@example.org")).await.expect("taken");
    let port = server.port;
    server.end().await;
    let mut next = MailServer::start_with(&json!({ "port": port })).await;
    mailer.deliver(&email_to("tom@example.org")).await.expect("taken");
    assert_eq!(next.mail().await.to, ["tom@example.org"]);
}

#[tokio::test]
async fn a_mail_that_was_given_up_does_not_mix_with_the_next() {
    let mut server = MailServer::start().await;
    let patient = Settings { delivery_timeout_ms: 3_000, ..settings(server.transport()) };
    let mailer = mailer(&patient);
    let error = mailer.deliver(&email_to("mute@example.org")).await.expect_err("no answer");
    assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
    mailer.deliver(&email_to("lea@example.org")).await.expect("taken");
    let mail = server.mail().await;
    assert_eq!(mail.to, ["lea@example.org"]);
    assert!(mail.text.starts_with("From: ") && mail.text.matches("Message-ID").count() == 1);
}

#[tokio::test]
async fn mails_tried_again_on_a_bad_day_arrive_once_each() {
    let server = MailServer::start_with(&json!({ "failPercent": 30, "seed": 7 })).await;
    let mailer = mailer(&settings(server.transport()));
    let (mut email, mut failures) = (email_to("lea@example.org"), 0);
    for number in 0..30 {
        email.id = MailId::parse(&format!("mail-{number}")).expect("an id");
        while let Err(error) = mailer.deliver(&email).await {
            assert!(matches!(error, DeliveryError::Later(_)), "{error:?}");
            failures += 1;
        }
    }
    let received = server.end().await;
    assert_eq!(received.iter().filter(|(name, _)| name == "mail").count(), 30);
    assert!(failures >= 10, "{failures} failures are no bad day");
}

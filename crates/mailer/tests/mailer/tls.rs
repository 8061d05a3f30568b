//! TLS and logging in: nothing is said in the clear that should not be.

use domain::mail::store::{DeliveryError, MailSender};
use mailer::{Smtp, TransportSettings};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::{Value, json};

use crate::{
    emails::{email_to, mailer, settings},
    server::{MailServer, smtp},
};

/// What the server shows, and what is to be trusted for it.
struct Identity {
    key: String,
    cert: String,
}

fn identity() -> Identity {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    Identity { key: signing_key.serialize_pem(), cert: cert.pem() }
}

async fn server(tls: &str, identity: &Identity) -> MailServer {
    let options = json!({
        "tls": tls, "key": identity.key, "cert": identity.cert,
        "user": "postman@example.org", "password": "p@ss:w/rd",
    });
    MailServer::start_with(&options).await
}

fn trusting(url: &str, identity: &Identity) -> TransportSettings {
    let root_pem = Some(identity.cert.clone().into_bytes());
    TransportSettings::Smtp(Smtp { url: url.into(), plaintext_allowed: false, root_pem })
}

const LOGIN: &str = "postman%40example.org:p%40ss%3Aw%2Frd";

#[tokio::test]
async fn a_mail_travels_inside_tls_and_after_a_login() {
    let identity = identity();
    for (tls, scheme, query) in [("implicit", "smtps", ""), ("starttls", "smtp", "?tls=starttls")] {
        let mut server = server(tls, &identity).await;
        let url = format!("{scheme}://{LOGIN}@localhost:{}{query}", server.port);
        let mailer = mailer(&settings(trusting(&url, &identity)));
        mailer.deliver(&email_to("lea@example.org")).await.expect(tls);
        assert_eq!(server.next("login").await, Value::Bool(true));
        assert!(server.mail().await.secure, "{tls}");
    }
}

#[tokio::test]
async fn a_stranger_s_certificate_ends_the_talk_before_the_login() {
    let identity = identity();
    for (tls, scheme, query) in [("implicit", "smtps", ""), ("starttls", "smtp", "?tls=starttls")] {
        let server = server(tls, &identity).await;
        let url = format!("{scheme}://{LOGIN}@localhost:{}{query}", server.port);
        let error = mailer(&settings(smtp(&url))).deliver(&email_to("lea@example.org")).await;
        assert!(matches!(error, Err(DeliveryError::Later(_))), "{tls}: {error:?}");
        let told = server.end().await;
        assert!(told.iter().all(|(name, _)| name == "connected"), "{told:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls_hears_no_password() {
    let identity = identity();
    let server = server("none", &identity).await;
    let url = format!("smtp://{LOGIN}@localhost:{}?tls=starttls", server.port);
    let error =
        mailer(&settings(trusting(&url, &identity))).deliver(&email_to("lea@example.org")).await;
    assert!(matches!(error, Err(DeliveryError::Later(_))), "{error:?}");
    let told = server.end().await;
    assert!(told.iter().all(|(name, _)| name == "connected"), "{told:?}");
}

#[tokio::test]
async fn a_wrong_password_is_ours_to_mend_and_costs_no_mail() {
    let identity = identity();
    let mut server = server("implicit", &identity).await;
    let url = format!("smtps://postman%40example.org:wrong@localhost:{}", server.port);
    let error =
        mailer(&settings(trusting(&url, &identity))).deliver(&email_to("lea@example.org")).await;
    assert!(matches!(error, Err(DeliveryError::Later(_))), "{error:?}");
    assert_eq!(server.next("login").await, Value::Bool(false));
}

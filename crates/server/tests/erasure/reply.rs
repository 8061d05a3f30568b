//! An answer by mail, as Mailgun hands it over.

use aws_lc_rs::hmac;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use testkit::{Fault, smtp::Email, test_app::TestApp};

/// What the provider signs with.
pub(crate) const KEY: &str = "a-signing-key-of-webhooks";

/// Has the recipient of a mail answer it.
pub(crate) async fn answer(app: &TestApp, mail: &Email, words: &str) -> Result<(), Fault> {
    let (timestamp, stamp) = (now_s(app).await?, "stamp-1");
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let signature = hmac::sign(&key, format!("{timestamp}{stamp}").as_bytes());
    let hex = |digits: String, byte: &u8| digits + &format!("{byte:02x}");
    let signature = signature.as_ref().iter().fold(String::new(), hex);
    let fields = [
        ("timestamp", timestamp.as_str()),
        ("token", stamp),
        ("signature", &signature),
        ("recipient", &mail.header("Reply-To")),
        ("sender", &mail.to),
        ("from", &mail.to),
        ("Message-Id", "<answer-1@example.org>"),
        ("stripped-text", words),
    ];
    let encoded = |value| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let pairs = fields.map(|(name, value)| format!("{name}={}", encoded(value)));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = pairs.join("&").into_bytes();
    let nobody = app.anonymous();
    nobody.send("POST", "/webhooks/mailgun/inbound", &form, body).await?.expect(200).map(drop)
}

/// By the clock of the machine.
async fn now_s(app: &TestApp) -> Result<String, Fault> {
    let client = app.database.client().await?;
    let row = client.query_one("SELECT extract(epoch FROM now())::bigint::text", &[]).await;
    Ok(row.map_err(Fault::while_doing("read the clock"))?.get(0))
}

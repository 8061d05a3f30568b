//! What the log says of mail.

use testkit::{Fault, wait};

use crate::{FAST_RETRIES, Fixture};

const WORDS: &str = "zanzibar";

#[tokio::test]
async fn no_address_and_no_word_of_a_mail_reaches_the_log_however_loud_it_is() -> Result<(), Fault>
{
    let mut settings = vec![("LOG_LEVEL", "trace")];
    settings.extend(FAST_RETRIES);
    let mut fixture = Fixture::start(&settings).await?;
    // Put off, refused for ever, nobody there, and taken.
    for id in ["busy", "spam", "unknown", "client-1"] {
        let recipient = fixture.recipient(id).await?;
        fixture.send_message(&recipient, WORDS).await?;
    }
    fixture.retries(1).await?;
    let closed = "SELECT (SELECT count(*) FROM messaging.suppressed_address)
        + (SELECT count(*) FROM messaging.job WHERE dead_at IS NOT NULL)
        + (SELECT count(*) FROM messaging.mail WHERE is_closed AND recipient_id = 'client-1')";
    wait::until("an outcome of each", async || {
        Ok((fixture.count(closed).await? == 3).then_some(()))
    })
    .await?;
    fixture.mail_server.take_everything().await?;
    fixture.mail_server.mail().await?;

    let log = fixture.app.server.log()?;
    for reason in ["mail_server_failed", "mail_refused"] {
        assert!(log.contains(reason), "{reason} is not logged");
    }
    let secret =
        [WORDS, "Camille", "Encre Noire", "busy@", "spam@", "unknown@", "client-1@", "lea@"];
    for word in secret {
        let line = log.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }
    Ok(())
}

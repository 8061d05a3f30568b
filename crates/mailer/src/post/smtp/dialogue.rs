//! One mail on a connection that is ready.

use lettre::transport::smtp::{
    client::AsyncSmtpConnection,
    commands::{Data, Mail, Rcpt},
    extension::{Extension, MailParameter},
};

use super::SmtpStep;
use crate::{compose::Composed, post::Fault};

/// Waits for every answer: only after the last one the mail is theirs.
pub(super) async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    mail: &Composed,
) -> Result<(), Fault> {
    let parameters = parameters(connection, mail)?;
    let sender = Mail::new(mail.envelope.from().cloned(), parameters);
    connection.command(sender).await.map_err(|error| SmtpStep::Sender.fault(error))?;
    for recipient in mail.envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), Vec::new());
        connection.command(recipient).await.map_err(|error| SmtpStep::Recipient.fault(error))?;
    }
    connection.command(Data).await.map_err(|error| SmtpStep::Data.fault(error))?;
    connection.message(&mail.bytes).await.map_err(|error| SmtpStep::Text.fault(error))?;
    Ok(())
}

/// The mail itself is ASCII throughout; an address need not be (RFC 6531).
fn parameters(
    connection: &AsyncSmtpConnection,
    mail: &Composed,
) -> Result<Vec<MailParameter>, Fault> {
    let mut addresses = mail.envelope.from().into_iter().chain(mail.envelope.to());
    if addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
        return Ok(Vec::new());
    }
    if connection.server_info().supports_feature(Extension::SmtpUtfEight) {
        Ok(vec![MailParameter::SmtpUtfEight])
    } else {
        Err(Fault::AddressBeyondAscii)
    }
}

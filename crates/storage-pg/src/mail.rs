//! Mail that waits, is on its way, or left (D15).

mod address;
mod case;
mod due;
mod open;
mod reply;
mod settle;

use async_trait::async_trait;
use domain::{
    ids::{MailId, UserId},
    mail::{
        MailDecision, NewMail, PendingNotifications, QueuedMail, ReplyToken,
        store::{DueMail, MailStore, ReplyTarget},
    },
    ports::StoreError,
    time::Timestamp,
};

use crate::store::{PgStore, with_retry};

#[async_trait]
impl MailStore for PgStore {
    #[tracing::instrument(name = "db.mail.due", skip_all)]
    async fn due_for_mail(&self, due: &DueMail) -> Result<Vec<UserId>, StoreError> {
        with_retry(|| due::people(self, due)).await
    }

    #[tracing::instrument(name = "db.mail.case", skip_all)]
    async fn mail_case(
        &self,
        recipient: &UserId,
        now: Timestamp,
    ) -> Result<Option<PendingNotifications>, StoreError> {
        with_retry(|| case::find(self, recipient, now)).await
    }

    #[tracing::instrument(name = "db.mail.settle", skip_all, fields(mail.id = %mail.id))]
    async fn settle_mail(
        &self,
        case: &PendingNotifications,
        verdict: &MailDecision,
        mail: &NewMail,
    ) -> Result<bool, StoreError> {
        with_retry(|| settle::settle(self, case, verdict, mail)).await
    }

    #[tracing::instrument(name = "db.mail.open", skip_all, fields(mail.id = %mail))]
    async fn open_mail(&self, mail: &MailId) -> Result<Option<QueuedMail>, StoreError> {
        with_retry(|| open::open(self, mail)).await
    }

    #[tracing::instrument(name = "db.mail.close", skip_all, fields(mail.id = %mail))]
    async fn close_mail(&self, mail: &MailId) -> Result<(), StoreError> {
        with_retry(|| open::close(self, mail)).await
    }

    #[tracing::instrument(name = "db.mail.reply_target", skip_all)]
    async fn reply_target(&self, token: &ReplyToken) -> Result<Option<ReplyTarget>, StoreError> {
        with_retry(|| reply::target(self, token)).await
    }

    #[tracing::instrument(name = "db.mail.suppress", skip_all)]
    async fn suppress_address(&self, address: &str, at: Timestamp) -> Result<u64, StoreError> {
        with_retry(|| address::suppress(self, address, at)).await
    }

    #[tracing::instrument(name = "db.mail.allow", skip_all, fields(user.id = %person))]
    async fn allow_address(&self, person: &UserId) -> Result<bool, StoreError> {
        with_retry(|| address::allow(self, person)).await
    }
}

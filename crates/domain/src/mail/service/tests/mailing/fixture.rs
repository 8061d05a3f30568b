use super::*;
use crate::{
    conversation::ledger::ReadTarget,
    jobs::{Task, store::JobFilter},
    testing::{
        MemoryStore, MockMailStore,
        fixture::{CountingIds, MemoryMailSender, Service, client, text},
    },
};

/// One salon, one client with an address, and mailing. The clock starts at 10:30 in Paris.
pub(super) struct Fixture {
    pub(super) service: Service,
    pub(super) mailing: Mailing,
    pub(super) mail_sender: Arc<MemoryMailSender>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let mail_sender = Arc::new(MemoryMailSender::new());
        let mailing = mailing(service.store.clone(), &service, mail_sender.clone());
        let mut person = client("c1");
        person.profile.email = Some("c1@example.test".to_owned());
        service.add_participant(&person).await;
        Self { service, mailing, mail_sender }
    }

    pub(super) async fn conversation(&self) -> ConversationId {
        self.service.open("s1", "c1").await
    }

    pub(super) async fn send(&self, conversation: &ConversationId, words: &str) {
        let sent =
            self.service.messaging.send_message(conversation, &user("s1"), text(words)).await;
        sent.expect("the salon takes part");
    }

    pub(super) async fn read(&self, conversation: &ConversationId) {
        let (messaging, reader) = (&self.service.messaging, user("c1"));
        let read =
            messaging.mark_conversation_read(conversation, &reader, ReadTarget::Everything).await;
        read.expect("the client takes part");
    }

    pub(super) async fn change_preferences(&self, change: PreferenceChange) {
        let changed = self.service.preferences.change_preferences(&user("c1"), &change).await;
        changed.expect("the client is known");
    }

    pub(super) async fn choose_frequency(&self, frequency: Frequency) {
        self.change_preferences(PreferenceChange {
            frequency: Some(frequency),
            ..Default::default()
        })
        .await;
    }

    pub(super) async fn decide(&self) -> u32 {
        self.mailing.decide_due(10).await.expect("the store works").mails
    }

    /// The queued mails.
    pub(super) async fn queued_mails(&self) -> Vec<MailId> {
        let jobs = self.service.store.jobs(JobFilter::All, 100).await.expect("the store works");
        let mails = jobs.into_iter().filter_map(|job| match job.task {
            Task::SendMail(mail) => Some(mail),
            _ => None,
        });
        mails.collect()
    }

    /// The mail that was queued first.
    pub(super) async fn first_mail(&self) -> MailId {
        self.queued_mails().await.into_iter().next().expect("a mail was decided on")
    }

    /// The quotes of every mail sent since the last call.
    pub(super) fn delivered(&self) -> Vec<Vec<String>> {
        let words = |email: &Email| {
            let quotes = email.chapters.iter().flat_map(|digest| &digest.quotes);
            quotes.map(|quote| quote.words.as_str().to_owned()).collect()
        };
        self.mail_sender.take().iter().map(words).collect()
    }

    /// Sends a mail like a node that crashes before it can record that.
    pub(super) async fn send_and_crash(&self, mail: &MailId) {
        let open = self.service.store.queued_mail(mail).await.expect("the store works");
        let mut store = MockMailStore::new();
        store.expect_queued_mail().return_once(move |_| Ok(open));
        store.expect_close_mail().returning(|_| Err(StoreError::Unavailable("a test".into())));
        let crashing = mailing(Arc::new(store), &self.service, self.mail_sender.clone());
        let sent = crashing.send(mail).await;
        assert!(sent.is_ok() || matches!(sent, Err(JobFailure::Retry { .. })), "{sent:?}");
    }

    /// Advances the clock by `millis`, decides and sends. Returns the quotes of what was sent.
    pub(super) async fn after(&self, millis: i64) -> Vec<Vec<String>> {
        self.service.clock.advance_millis(millis);
        self.decide().await;
        for mail in self.queued_mails().await {
            self.mailing.send(&mail).await.expect("the mail server works");
        }
        self.delivered()
    }
}

pub(super) fn mailing(
    store: Arc<dyn MailStore>,
    service: &Service,
    to: Arc<MemoryMailSender>,
) -> Mailing {
    let ids = Arc::new(CountingIds::new());
    Mailing::new(store, to, service.clock.clone(), ids, MailPolicy::default())
}

use super::*;
use crate::{
    conversation::store::ReadTarget,
    jobs::{Task, store::JobFilter},
    testing::{
        MemoryStore, MockMailStore,
        fixture::{CountingIds, MemoryPostOffice, Service, client, text},
    },
};

/// One salon, one client who has an address, and mail. The clock starts at 10:30 in
/// Paris.
pub(super) struct Fixture {
    pub(super) service: Service,
    pub(super) mailing: Mailing,
    pub(super) post_office: Arc<MemoryPostOffice>,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let service = Service::over(Arc::new(MemoryStore::new()));
        let post_office = Arc::new(MemoryPostOffice::new());
        let mailing = mailing(service.store.clone(), &service, post_office.clone());
        let mut reachable = client("c1");
        reachable.profile.email = Some("c1@example.test".to_owned());
        service.note(&reachable).await;
        Self { service, mailing, post_office }
    }

    pub(super) async fn talk(&self) -> ConversationId {
        self.service.open("s1", "c1").await
    }

    pub(super) async fn say(&self, conversation: &ConversationId, words: &str) {
        let said =
            self.service.messaging.send_message(conversation, &user("s1"), text(words)).await;
        said.expect("the salon takes part");
    }

    pub(super) async fn read(&self, conversation: &ConversationId) {
        let (messaging, reader) = (&self.service.messaging, user("c1"));
        let read =
            messaging.mark_conversation_read(conversation, &reader, ReadTarget::Everything).await;
        read.expect("the client takes part");
    }

    pub(super) async fn wish(&self, change: PreferenceChange) {
        let wished = self.service.preferences.change_preferences(&user("c1"), &change).await;
        wished.expect("the client is known");
    }

    pub(super) async fn choose(&self, frequency: Frequency) {
        self.wish(PreferenceChange { frequency: Some(frequency), ..Default::default() }).await;
    }

    pub(super) async fn decide(&self) -> u32 {
        self.mailing.decide_due(10).await.expect("the store works").mails
    }

    /// The mails that are on their way.
    pub(super) async fn on_their_way(&self) -> Vec<MailId> {
        let jobs = self.service.store.jobs(JobFilter::All, 100).await.expect("the store works");
        let mails = jobs.into_iter().filter_map(|job| match job.task {
            Task::SendMail(mail) => Some(mail),
            _ => None,
        });
        mails.collect()
    }

    /// The mail that was decided on first.
    pub(super) async fn first_mail(&self) -> MailId {
        self.on_their_way().await.into_iter().next().expect("a mail was decided on")
    }

    /// The quotes of every letter that was delivered since the last look.
    pub(super) fn delivered(&self) -> Vec<Vec<String>> {
        let words = |letter: &Email| {
            let quotes = letter.chapters.iter().flat_map(|chapter| &chapter.quotes);
            quotes.map(|quote| quote.words.as_str().to_owned()).collect()
        };
        self.post_office.take().iter().map(words).collect()
    }

    /// Hands a mail over as a node does that dies before it can note that.
    pub(super) async fn send_and_die(&self, mail: &MailId) {
        let open = self.service.store.open_mail(mail).await.expect("the store works");
        let mut store = MockMailStore::new();
        store.expect_open_mail().return_once(move |_| Ok(open));
        store.expect_close_mail().returning(|_| Err(StoreError::Unavailable("a test".into())));
        let dying = mailing(Arc::new(store), &self.service, self.post_office.clone());
        let sent = dying.send(mail).await;
        assert!(sent.is_ok() || matches!(sent, Err(JobFailure::Retry { .. })), "{sent:?}");
    }

    /// `millis` later, decides and sends. Returns the quotes of what was delivered.
    pub(super) async fn after(&self, millis: i64) -> Vec<Vec<String>> {
        self.service.clock.advance_millis(millis);
        self.decide().await;
        for mail in self.on_their_way().await {
            self.mailing.send(&mail).await.expect("the mail server works");
        }
        self.delivered()
    }
}

pub(super) fn mailing(
    store: Arc<dyn MailStore>,
    service: &Service,
    to: Arc<MemoryPostOffice>,
) -> Mailing {
    let ids = Arc::new(CountingIds::new());
    Mailing::new(store, to, service.clock.clone(), ids, MailPolicy::default())
}

//! What programs read: threads, the way out, and whether it is the same mail.

use domain::{
    ids::MailId,
    mail::{Email, store::MailSender},
    participant::Language,
};
use mailer::{DevMails, OpenedMail};

use crate::{
    emails::{digest, email_to, folder, mailer, settings},
    scratch::Scratch,
};

async fn received(name: &str, email: &Email) -> OpenedMail {
    let scratch = Scratch::new(name);
    mailer(&settings(folder(&scratch.0))).deliver(email).await.expect("kept");
    let kept = DevMails::new(&scratch.0);
    let names = kept.list().expect("a list");
    kept.open(&names[0].name).expect("readable").expect("there")
}

fn line<'a>(mail: &'a OpenedMail, name: &str) -> Option<&'a str> {
    let line = mail.header.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    line.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn mails_about_one_conversation_are_one_thread() {
    let first = received("thread-1", &email_to("lea@example.org")).await;
    let mut next = email_to("lea@example.org");
    next.id = MailId::parse("0199c0de-0000-7000-8000-000000000002").expect("an id");
    let next = received("thread-2", &next).await;
    let root = "conversation.conversation-1.client-1@mail.example.org";
    for mail in [&first, &next] {
        assert_eq!((line(mail, "In-Reply-To"), line(mail, "References")), (Some(root), Some(root)));
    }
    assert_ne!(line(&first, "Message-ID"), line(&next, "Message-ID"));
    let digest = received("thread-3", &digest(Language::French)).await;
    assert_eq!((line(&digest, "In-Reply-To"), line(&digest, "References")), (None, None));
}

#[tokio::test]
async fn only_a_mail_about_one_conversation_can_be_answered() {
    let one = received("answer-1", &email_to("lea@example.org")).await;
    assert_eq!(line(&one, "Reply-To"), Some("reply+token1@mail.example.org"));
    assert!(one.text.contains("répondre directement") && one.html.contains("répondre directement"));
    let many = received("answer-2", &digest(Language::French)).await;
    assert_eq!(line(&many, "Reply-To"), None);
    assert!(!many.text.contains("répondre directement"));
}

#[tokio::test]
async fn without_a_mailbox_for_answers_none_is_asked_for() {
    let scratch = Scratch::new("no-answers");
    let without = mailer::Settings { reply_to: None, ..settings(folder(&scratch.0)) };
    mailer(&without).deliver(&email_to("lea@example.org")).await.expect("kept");
    let kept = DevMails::new(&scratch.0);
    let name = kept.list().expect("a list").remove(0).name;
    let mail = kept.open(&name).expect("readable").expect("there");
    assert_eq!(line(&mail, "Reply-To"), None);
    assert!(!mail.text.contains("répondre directement"));
}

#[tokio::test]
async fn one_click_ends_it_and_no_machine_answers() {
    let mail = received("one-click", &email_to("lea@example.org")).await;
    let url = "https://api.example.org/unsubscribe?token=client-1.c2lnbmF0dXJl";
    assert!(line(&mail, "List-Unsubscribe").is_some_and(|line| line.contains(url)));
    assert_eq!(line(&mail, "List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    assert_eq!(line(&mail, "Auto-Submitted"), Some("auto-generated"));
    assert!(mail.text.contains(url));
}

#[tokio::test]
async fn the_same_letter_is_the_same_mail_to_the_byte() {
    let bytes = async |name: &str| {
        let scratch = Scratch::new(name);
        let mailer = mailer(&settings(folder(&scratch.0)));
        for _ in 0..2 {
            mailer.deliver(&digest(Language::English)).await.expect("kept");
        }
        let files = std::fs::read_dir(&scratch.0).expect("a folder");
        let files: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        std::fs::read(&files[0]).expect("readable")
    };
    assert_eq!(bytes("same-1").await, bytes("same-2").await);
}

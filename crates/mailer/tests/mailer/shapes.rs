//! Every form of a mail, in every language, as it was last looked at.

use domain::{
    mail::{Email, store::MailSender},
    participant::Language,
};
use mailer::{DevMails, OpenedMail};

use crate::{
    emails::{bare, digest, email_to, folder, mailer, settings, several},
    scratch::Scratch,
};

/// The email as a program reads it that shows mail.
async fn received(name: &str, email: &Email) -> OpenedMail {
    let scratch = Scratch::new(name);
    mailer(&settings(folder(&scratch.0))).deliver(email).await.expect("kept");
    let kept = DevMails::new(&scratch.0);
    let names = kept.list().expect("a list");
    kept.open(&names[0].name).expect("readable").expect("there")
}

async fn check(name: &str, email: &Email) {
    let mail = received(name, email).await;
    let header: Vec<_> =
        mail.header.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    insta::assert_snapshot!(
        format!("{name}.txt"),
        format!("{}\n\n{}", header.join("\n"), mail.text)
    );
    insta::assert_snapshot!(format!("{name}.html"), mail.html);
}

#[tokio::test]
async fn one_message_is_told_of_in_french() {
    check("one-fr", &email_to("lea@example.org")).await;
}

#[tokio::test]
async fn one_message_is_told_of_in_english() {
    let mut email = email_to("lea@example.org");
    email.recipient.profile.language = Some(Language::English);
    check("one-en", &email).await;
}

#[tokio::test]
async fn several_messages_of_one_person_are_told_of_together() {
    check("several-fr", &several(Language::French)).await;
    check("several-en", &several(Language::English)).await;
}

#[tokio::test]
async fn what_waits_in_several_conversations_is_one_digest() {
    check("digest-fr", &digest(Language::French)).await;
    check("digest-en", &digest(Language::English)).await;
}

#[tokio::test]
async fn nobody_is_called_by_a_name_that_is_not_known() {
    check("bare-fr", &bare(Language::French)).await;
    check("bare-en", &bare(Language::English)).await;
}

#[tokio::test]
async fn who_has_no_name_or_was_forgotten_is_called_so_in_every_language() {
    for language in [Language::French, Language::English] {
        let mut email = bare(language);
        for (is_forgotten, name) in [(false, "Utilisateur"), (true, "Compte supprimé")] {
            email.chapters[0].writer.is_forgotten = is_forgotten;
            let mail = received(&format!("called-{language:?}-{is_forgotten}"), &email).await;
            assert!(mail.text.contains(name) && mail.html.contains(name), "{name}: {}", mail.text);
        }
    }
}

#[tokio::test]
async fn times_are_those_on_the_wall_of_the_recipient() {
    let mut email = email_to("lea@example.org");
    assert!(received("zone-paris", &email).await.text.contains("09/03/2026 14:05"));
    email.zone = domain::time::Zone::parse("Asia/Tokyo").expect("a zone");
    let mail = received("zone-tokyo", &email).await;
    assert!(mail.text.contains("09/03/2026 22:05") && mail.html.contains("09/03/2026 22:05"));
}

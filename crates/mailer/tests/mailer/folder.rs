//! Mail kept in a folder, for those who develop.

use std::{fs, os::unix::fs::PermissionsExt as _};

use domain::{
    ids::MailId,
    mail::{Email, store::MailSender},
    time::Timestamp,
};
use mailer::{DevMails, Folder, TransportSettings};

use crate::{
    emails::{email_to, folder, mailer, settings},
    scratch::Scratch,
};

fn email(number: i64) -> Email {
    let mut email = email_to("lea@example.org");
    email.id = MailId::parse(&format!("mail-{number}")).expect("an id");
    email.at = Timestamp::from_millis(1_773_061_800_000 + number * 1_000).expect("in range");
    email
}

#[tokio::test]
async fn a_folder_keeps_the_newest_mails_whole() {
    let scratch = Scratch::new("newest");
    let path = scratch.0.join("mails");
    let transport = TransportSettings::Folder(Folder { path: path.clone(), mails_max: 3 });
    let mailer = mailer(&settings(transport));
    for number in 0..5 {
        mailer.deliver(&email(number)).await.expect("kept");
    }
    let summary = DevMails::new(&path).list().expect("a list");
    let names: Vec<_> = summary.iter().map(|mail| mail.name.as_str()).collect();
    assert_eq!(
        names,
        ["1773061804000-mail-4.eml", "1773061803000-mail-3.eml", "1773061802000-mail-2.eml",]
    );
    assert_eq!(fs::read_dir(&path).expect("a folder").count(), 3);
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_kept_mail_is_shown_as_a_program_shows_it() {
    let scratch = Scratch::new("shown");
    mailer(&settings(folder(&scratch.0))).deliver(&email(0)).await.expect("kept");
    let mails = DevMails::new(&scratch.0);
    let summary = mails.list().expect("a list").remove(0);
    assert_eq!(summary.from, "Encre Noire via Salonbook <noreply@mail.example.org>");
    assert_eq!(
        (summary.to.as_str(), summary.subject.as_str()),
        ("lea@example.org", "Nouveau message de Encre Noire")
    );
    assert_eq!(summary.date, "2026-03-09T13:10:00Z");
    let opened = mails.open(&summary.name).expect("readable").expect("there");
    assert_eq!(opened.summary, summary);
    assert!(opened.text.starts_with("Bonjour Léa,") && opened.html.starts_with("<!doctype html>"));
    assert!(!format!("{summary:?}{opened:?}").contains("example.org"));
}

#[tokio::test]
async fn nothing_beside_the_mails_is_opened() {
    let scratch = Scratch::new("beside");
    let inside = scratch.0.join("mails");
    mailer(&settings(folder(&inside))).deliver(&email(0)).await.expect("kept");
    fs::write(scratch.0.join("secret.eml"), "Subject: secret\r\n\r\n").expect("written");
    fs::write(inside.join("note.txt"), "Subject: note\r\n\r\n").expect("written");
    let mails = DevMails::new(&inside);
    for name in ["../secret.eml", "note.txt", ".eml", "", "/etc/passwd", "a.eml", "..", "a\0.eml"] {
        assert_eq!(mails.open(name).expect("readable"), None, "{name:?}");
    }
    assert_eq!(mails.list().expect("a list").len(), 1);
    assert_eq!(DevMails::new(scratch.0.join("none")).list().expect("a list"), []);
}

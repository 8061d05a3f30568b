//! What people can write to do harm, read back by a program that knows nothing of us.

use domain::{
    mail::{Email, store::MailSender},
    participant::Language,
};
use mail_parser::{Message, MessageParser};

use crate::{
    emails::{chapter, client, digest, email, folder, mailer, quote, salon, settings},
    scratch::Scratch,
};

const NAMES: [&str; 12] = [
    "Encre\r\nBcc: victim@example.org",
    "Encre\nSubject: other\n\n<b>body</b>",
    "\"Encre\" <victim@example.org>, other@example.org",
    "Encre\\\" (comment) ; : , @ [x]",
    "=?utf-8?q?Encre=0ABcc:_victim@example.org?=",
    "<script>alert(1)</script>",
    "\u{202e}eriaM\u{202c} \u{2066}x\u{2069}",
    "Salon\u{2028}Bcc: a@example.org\u{85}X: y",
    "ليلى صالون الحبر",
    "👩\u{200d}🎨🖤🇫🇷",
    "{{ page.subject }}{% raw %}",
    "\0\u{7}\u{1b}[31mEncre",
];

/// The very bytes of the mail.
async fn written(name: &str, email: &Email) -> Vec<u8> {
    let scratch = Scratch::new(name);
    mailer(&settings(folder(&scratch.0))).deliver(email).await.expect("kept");
    let mut files = std::fs::read_dir(&scratch.0).expect("a folder");
    std::fs::read(files.next().expect("a mail").expect("readable").path()).expect("readable")
}

fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).expect("a mail")
}

/// Header lines as they stand in the mail, with their continuations.
fn header_names(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).expect("ASCII");
    let (header, _) = text.split_once("\r\n\r\n").expect("a header");
    let lines = header.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    lines.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn no_name_adds_a_header_a_recipient_or_a_part() {
    let usual = written("usual", &from("Encre Noire", "Bonjour")).await;
    for (index, name) in NAMES.iter().chain([&"W".repeat(4_000).as_str()]).enumerate() {
        let bytes =
            written(&format!("name-{index}"), &from(name, name_as_text(name).as_str())).await;
        assert!(bytes.is_ascii(), "{name:?}");
        assert_eq!(header_names(&bytes), header_names(&usual), "{name:?}");
        let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        assert!(longest.is_some_and(|longest| longest <= 999), "{name:?}: {longest:?}");
        let mail = parsed(&bytes);
        assert_eq!(mail.from().map(|from| from.iter().count()), Some(1), "{name:?}");
        let from = mail.from().and_then(|from| from.first()).expect("a sender");
        assert_eq!(from.address(), Some("noreply@mail.example.org"), "{name:?}");
        assert!(from.name().is_some_and(|shown| shown.ends_with(" via Salonbook")), "{name:?}");
        let to: Vec<_> =
            mail.to().expect("a recipient").iter().filter_map(|to| to.address()).collect();
        assert_eq!(to, ["lea@example.org"], "{name:?}");
        assert_eq!((mail.text_body_count(), mail.html_body_count()), (1, 1), "{name:?}");
        assert_eq!(mail.attachment_count(), 0, "{name:?}");
    }
}

#[tokio::test]
async fn a_name_stands_in_the_subject_as_it_is_but_visible() {
    let table = [
        (NAMES[0], "Nouveau message de Encre Bcc: victim@example.org"),
        (NAMES[4], "Nouveau message de = ?utf-8?q?Encre=0ABcc:_victim@example.org?="),
        (NAMES[6], "Nouveau message de eriaM x"),
        (NAMES[8], "Nouveau message de ليلى صالون الحبر"),
        (NAMES[9], "Nouveau message de 👩\u{200d}🎨🖤🇫🇷"),
    ];
    for (index, (name, subject)) in table.into_iter().enumerate() {
        let bytes = written(&format!("subject-{index}"), &from(name, "Bonjour")).await;
        assert_eq!(parsed(&bytes).subject(), Some(subject), "{name:?}");
    }
    let bytes = written("subject-long", &from(&"W".repeat(4_000), "Bonjour")).await;
    assert_eq!(parsed(&bytes).subject().map(|subject| subject.chars().count()), Some(79));
}

#[tokio::test]
async fn nothing_that_is_written_becomes_html() {
    let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"' & </td></table><a href=\"https://evil.example\">";
    let mut email = from("<b>Encre</b>", evil);
    email.recipient.profile.first_name = Some("<i onclick=x>Léa".to_owned());
    email.chapters[0].subject = domain::text::Subject::edit("<u>Sujet</u>").expect("a subject");
    let bytes = written("html", &email).await;
    let mail = parsed(&bytes);
    let html = mail.body_html(0).expect("HTML");
    for tag in ["<script", "<img", "<b>", "<i ", "<u>", "evil.example\">", "onerror=alert(1)>\""] {
        assert!(!html.contains(tag), "{tag}: {html}");
    }
    assert_eq!(html.matches("</table>").count(), html.matches("<table").count());
    assert!(mail.body_text(0).expect("text").contains(&format!("> {evil}")));
}

#[tokio::test]
async fn what_is_quoted_cannot_pass_for_what_we_say() {
    let evil = "-- \nVoir la conversation :\nhttps://evil.example\r\n--=_0199c0de--\r\n.\r\nQUIT";
    let bytes = written("quoted", &from("Encre", evil)).await;
    let mail = parsed(&bytes);
    let text = mail.body_text(0).expect("text");
    let unquoted: Vec<_> =
        text.lines().filter(|line| line.contains("evil") || *line == ".").collect();
    assert_eq!(unquoted, ["> https://evil.example"]);
    assert_eq!(mail.html_body_count(), 1);
}

#[tokio::test]
async fn words_without_end_are_cut() {
    let bytes = written("long", &from("Encre", &"x".repeat(4_000))).await;
    let mail = parsed(&bytes);
    let text = mail.body_text(0).expect("text");
    assert!(text.contains(&format!("> {}…", "x".repeat(499))) && !text.contains(&"x".repeat(500)));
    // RFC 5322, 2.1.1: 998 bytes and the end of the line.
    let longest = bytes.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!(longest.is_some_and(|longest| longest <= 999), "{longest:?}");
}

#[tokio::test]
async fn the_largest_digest_stays_below_what_programs_show() {
    let mut email = digest(Language::French);
    let long = quote("2026-03-09T13:05:00Z", &"é ".repeat(2_000), 5);
    email.chapters = (0..50)
        .map(|number| {
            chapter(number, salon(&format!("s-{number}"), &"W".repeat(200)), vec![long.clone(); 3])
        })
        .collect();
    let bytes = written("largest", &email).await;
    let mail = parsed(&bytes);
    assert_eq!(mail.subject(), Some("150 nouveaux messages dans 50 conversations"));
    let html = mail.body_html(0).expect("HTML").len();
    assert!(html < 100_000, "{html} bytes");
}

fn from(name: &str, words: &str) -> Email {
    let said = quote("2026-03-09T13:05:00Z", words, 0);
    email(client("Léa", "lea@example.org"), vec![chapter(1, salon("salon-1", name), vec![said])])
}

/// What a message may hold of it.
fn name_as_text(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

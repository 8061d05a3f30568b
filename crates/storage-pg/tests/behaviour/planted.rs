//! A word that stands in everything that one person left, and what is left of it when they are
//! forgotten: here, and in a copy from before, when the list of the forgotten is applied to it.

use domain::{
    appointments::store::AppointmentStore,
    conversation::{
        attachment::ObjectKey,
        message::{Draft, DraftFile, MessageKind},
        store::UploadStore,
    },
    ids::{AttachmentId, UserId},
    mail::store::MailStore,
    participant::{Participant, Profile, store::ParticipantStore},
    privacy::store::{ErasureStore, ExportStore},
    testing::{
        commands::{Commands, EditConversation, EraseIn},
        fixture::{booking_event, client, content, keyed, text},
    },
    text::Subject,
};
use storage_pg::{PgStore, Settings};

use crate::{
    booking::{apply, greeting_in},
    erasure::tables_with,
    support::{Scratch, Server},
    talk::{ANSWERS, TestConversation, fresh_id, now},
    uploads::upload_by,
};

const WORD: &str = "Camille";

/// What `c1` leaves: their name and address, messages, files, a subject, a booking, an unsent upload,
/// an address that mail came back from, and an archive.
async fn plant(store: &PgStore) -> TestConversation {
    let conversation = TestConversation::open(store).await;
    let email = format!("{WORD}@client.example");
    let profile = Profile {
        first_name: Some(WORD.to_owned()),
        last_name: Some(format!("de {WORD}")),
        image: Some(format!("https://utfs.io/f/{WORD}")),
        email: Some(email.clone()),
        ..Profile::default()
    };
    let person = Participant { profile, ..client("c1") };
    store.upsert_participant(&person, now()).await.expect(ANSWERS);
    assert_eq!(store.suppress_address(&email, now()).await.expect(ANSWERS), 1);

    conversation.send_text(&conversation.client, &format!("moi, {WORD}")).await;
    for number in 0..2 {
        let draft = keyed("Bonjour", &format!("{WORD}-{number}"));
        let post = conversation.post(&conversation.client, draft);
        store.post_message(&post).await.expect(ANSWERS);
        // A deleted one: it keeps its key until they are forgotten.
        if number == 0 {
            let gone =
                store.delete_message(&post.id, &conversation.client, now()).await.expect(ANSWERS);
            assert!(gone.is_some());
        }
    }
    for is_sent in [true, false] {
        let upload = named_upload(store).await;
        if is_sent {
            let files = vec![DraftFile::Uploaded(upload.clone())];
            let words = content(&format!("le bras de {WORD}"));
            let draft = Draft::new(MessageKind::Image, words, files, None).expect("good");
            let mut post = conversation.post(&conversation.client, draft);
            post.attachments = vec![upload];
            store.post_message(&post).await.expect(ANSWERS);
        }
    }
    let subject = Subject::open(&format!("Tatouage de {WORD}")).expect("a good subject");
    let edit = EditConversation {
        conversation: conversation.id.clone(),
        by: conversation.salon.clone(),
        subject: Some(Some(subject)),
        status: None,
        at: now(),
    };
    store.edit_conversation(&edit).await.expect(ANSWERS).expect("they take part");
    book(store, &conversation).await;
    let key = ObjectKey::parse("c1/archive").expect("a good name");
    store
        .request_export(&conversation.client, &key, now())
        .await
        .expect(ANSWERS)
        .expect("nobody forgot");
    conversation
}

async fn named_upload(store: &PgStore) -> AttachmentId {
    let mut upload = upload_by("c1", 10);
    upload.name = format!("{WORD}.webp");
    assert!(store.begin_upload(&upload).await.expect(ANSWERS));
    let picture = crate::uploads::a_picture();
    assert!(store.finish_upload(&upload.id, &picture).await.expect(ANSWERS));
    upload.id
}

async fn book(store: &PgStore, conversation: &TestConversation) {
    let event = booking_event(&fresh_id(), "confirmed");
    assert_eq!(event.client_first_name.as_deref(), Some(WORD));
    store.receive_appointment_event(&event, now()).await.expect(ANSWERS);
    apply(store, &greeting_in(&event, &conversation.id)).await;
    let waiting = booking_event(&fresh_id(), "cancelled");
    store.receive_appointment_event(&waiting, now()).await.expect(ANSWERS);
}

async fn forget(store: &PgStore, person: &UserId) {
    while let Some(conversation) = store.next_to_erase(person).await.expect(ANSWERS) {
        let person = person.clone();
        let erase = EraseIn { person, conversation, messages_max: 200, at: now() };
        store.erase_in(&erase).await.expect(ANSWERS);
    }
    let receipt = store.finish_erasure(person, now()).await.expect(ANSWERS);
    assert!(receipt.is_some_and(|receipt| receipt.finished_at.is_some()));
}

/// The database as it is now, in a database of its own.
async fn copy_of(scratch: &Scratch) -> Scratch {
    let copy = Scratch::new().await;
    let (from, to) = (scratch.name(), copy.name());
    let server = Server::from_environment();
    // Nobody may be connected to what is copied; the store connects again by itself.
    server.run(&format!("DROP DATABASE {to} WITH (FORCE)")).await;
    let away = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{from}'"
    );
    server.run(&away).await;
    server.run(&format!("CREATE DATABASE {to} TEMPLATE {from}")).await;
    copy
}

#[tokio::test]
async fn a_word_is_nowhere_when_its_person_is_forgotten_nor_after_a_restore() {
    let scratch = Scratch::new().await;
    let conversation = plant(&scratch).await;
    let planted = tables_with(&scratch, WORD).await;
    let expected = [
        "appointment_event",
        "attachment",
        "conversation",
        "message",
        "participant",
        "suppressed_address",
        "upload",
    ];
    for table in expected {
        let is_there = planted.iter().any(|found| found == table)
            // Addresses are compared without capitals, and kept so.
            || tables_with(&scratch, &WORD.to_lowercase()).await.iter().any(|found| found == table);
        assert!(is_there, "nothing was planted in {table}: {planted:?}");
    }
    let backup = copy_of(&scratch).await;
    let store = PgStore::new(&Settings::new(Server::from_environment().url_of(scratch.name())))
        .expect("good settings");

    store.request_erasure(&conversation.client, now()).await.expect(ANSWERS);
    forget(&store, &conversation.client).await;
    assert_is_nowhere(&scratch).await;

    assert_eq!(backup.erased_people(None, 10).await.expect(ANSWERS), []);
    for person in store.erased_people(None, 10).await.expect(ANSWERS) {
        backup.replay_erasure(&person, now()).await.expect(ANSWERS);
        forget(&backup, &person).await;
    }
    assert_is_nowhere(&backup).await;
    // A token used after the restore does not restore the name either.
    let refused = backup.upsert_participant(&client("c1"), now()).await;
    refused.expect(ANSWERS);
    backup
        .post_message(&conversation.post(&conversation.salon, text("bonjour")))
        .await
        .expect(ANSWERS);
    assert_is_nowhere(&backup).await;
}

async fn assert_is_nowhere(scratch: &Scratch) {
    for word in [WORD.to_owned(), WORD.to_lowercase()] {
        assert_eq!(tables_with(scratch, &word).await, Vec::<String>::new(), "{word}");
    }
    let export = "SELECT count(*) FROM messaging.export";
    assert_eq!(scratch.number(export).await, 0);
}

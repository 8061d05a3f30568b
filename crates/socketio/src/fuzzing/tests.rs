//! The corpus, replayed.

use std::{fs, path::Path};

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = fs::read_dir(folder).expect("a corpus").collect();
    assert!(!files.is_empty());
    for file in files {
        run(&fs::read(file.expect("an entry").path()).expect("a readable file"));
    }
}

#[test]
fn every_packet_of_the_corpus_is_survived() {
    replay("packets", super::packets);
}

#[test]
fn every_payload_of_the_corpus_is_survived() {
    replay("payload", super::payload);
}

#[test]
fn every_session_of_the_corpus_ends_well() {
    replay("session", super::session);
}

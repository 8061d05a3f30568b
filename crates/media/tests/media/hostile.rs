use std::{fs, path::Path, process::Command};

use media::testing::{Expected, HostileFile, hostile_files, leftovers};

use crate::temp_dir::TempDir;

/// What no file may take: a decoded picture at its largest, and then some.
const PEAK_MAX_KIB: u64 = 400 * 1024;
/// What a file may take that is refused before it is decoded: three times itself, and the program.
const REFUSED_PEAK_MAX_KIB: u64 = 64 * 1024;

/// What a process that kept one file said.
struct Answer {
    outcome: String,
    read_bytes: u64,
    peak_kib: u64,
}

fn probe(folder: &Path, file: &Path, declared: &str) -> Answer {
    let probe = Command::new(env!("CARGO_BIN_EXE_media-probe"))
        .args([folder, file])
        .arg(declared)
        .output()
        .expect("it was built");
    let said = String::from_utf8(probe.stdout).expect("words");
    let word = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        let complaint = String::from_utf8_lossy(&probe.stderr);
        line.unwrap_or_else(|| panic!("it said neither {name} nor: {said}{complaint}")).to_owned()
    };
    let number = |name: &str| word(name).parse().expect("a number");
    Answer {
        outcome: word("outcome "),
        read_bytes: number("read_bytes "),
        peak_kib: number("peak_kib "),
    }
}

#[expect(clippy::print_stdout, reason = "the peaks are to be seen")]
fn check(hostile: &HostileFile) {
    let (files, kept) = (TempDir::new(), TempDir::new());
    let file = files.path().join("file");
    fs::write(&file, (hostile.build)()).expect("ours");
    let answer = probe(kept.path(), &file, hostile.declared);
    println!(
        "{:38} {:15} read {:>9} bytes, peak {:>4} MiB",
        hostile.name,
        answer.outcome,
        answer.read_bytes,
        answer.peak_kib / 1024
    );
    assert_eq!(answer.outcome, format!("{:?}", hostile.expected), "{}", hostile.name);
    assert!(answer.read_bytes <= 10_485_760 + 65_536, "{}", hostile.name);
    if hostile.expected == Expected::Kept {
        assert!(answer.peak_kib < PEAK_MAX_KIB, "{}", hostile.name);
        for form in ["probe/full", "probe/thumbnail"] {
            let bytes = fs::read(kept.path().join(form)).expect("it was kept");
            assert_eq!(leftovers(&bytes), Vec::<String>::new(), "{}", hostile.name);
        }
    } else {
        assert!(answer.peak_kib < REFUSED_PEAK_MAX_KIB, "{}", hostile.name);
        assert_eq!(kept.files(), Vec::<String>::new(), "{}", hostile.name);
    }
}

#[test]
fn hostile_files_are_refused_or_disarmed_in_little_memory() {
    for hostile in hostile_files() {
        check(&hostile);
    }
}

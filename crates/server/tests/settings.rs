//! Settings that the program refuses before it does anything.

use std::process::Command;

#[test]
fn a_former_name_of_a_setting_ends_the_start_with_code_2_and_the_name_it_has_now() {
    for verb in [["config", "check"], ["serve", ""]] {
        let verb = verb.into_iter().filter(|word| !word.is_empty());
        let output = Command::new(env!("CARGO_BIN_EXE_messaging-server"))
            .args(verb)
            .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
            .env("JWT_SECRET", "a secret for tests alone, long enough")
            .env("MAIL_HOUSE", "planted")
            .output()
            .expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("MAIL_HOUSE: was renamed: it is MAIL_SENDER_NAME"), "{said}");
        assert!(!said.contains("planted"), "{said}");
    }
}

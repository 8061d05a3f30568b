//! What one connection says to PostgreSQL (protocol 3.0): bytes in, statements out.

use std::collections::HashMap;

/// The code of a request for TLS, in place of a protocol version; the true start follows it.
const TLS_REQUEST: &[u8] = &80_877_103_u32.to_be_bytes();
/// A length counts itself.
const LENGTH_BYTES: usize = 4;

/// Understands one connection.
#[derive(Debug, Default)]
pub(super) struct Ear {
    pending: Vec<u8>,
    has_started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

impl Ear {
    /// Takes in the next bytes, however they are cut, and tells the statements that are now run.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<String> {
        self.pending.extend_from_slice(bytes);
        let mut run = Vec::new();
        while let Some((kind, body)) = self.next_message() {
            run.extend(self.understand(kind, &body));
        }
        run
    }

    /// The next whole message. The first one has no kind.
    fn next_message(&mut self) -> Option<(Option<u8>, Vec<u8>)> {
        let kind_bytes = usize::from(self.has_started);
        let length = self.pending.get(kind_bytes..kind_bytes + LENGTH_BYTES)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let end = kind_bytes + usize::try_from(length).ok()?;
        if self.pending.len() < end {
            return None;
        }
        let message: Vec<u8> = self.pending.drain(..end).collect();
        let kind = self.has_started.then(|| message[0]);
        Some((kind, message[kind_bytes + LENGTH_BYTES..].to_vec()))
    }

    fn understand(&mut self, kind: Option<u8>, body: &[u8]) -> Option<String> {
        let mut texts = body.split(|byte| *byte == 0);
        match kind {
            None => {
                self.has_started = body != TLS_REQUEST;
                None
            }
            // Parse: the statement's name, and its text.
            Some(b'P') => {
                let (name, sql) = (texts.next()?, texts.next()?);
                self.prepared.insert(name.to_vec(), text(sql));
                None
            }
            // Bind: a portal's name, and the statement's; to be run with these values.
            Some(b'B') => self.prepared.get(texts.nth(1)?).cloned(),
            // Query: run at once.
            Some(b'Q') => texts.next().map(text),
            Some(_) => None,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Option<u8>, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH_BYTES).expect("short").to_be_bytes();
        [kind.as_slice(), &length, body].concat()
    }

    #[test]
    fn statements_are_told_when_they_are_run_however_the_bytes_are_cut() {
        let said = [
            message(None, TLS_REQUEST),
            message(None, b"\0\x03\0\0user\0p\0\0"),
            message(Some(b'P'), b"s1\0SELECT $1\0\0\0"),
            message(Some(b'S'), b""),
            message(Some(b'B'), b"\0s1\0\0\0"),
            message(Some(b'E'), b"\0\0\0\0\0"),
            message(Some(b'Q'), b"BEGIN\0"),
            message(Some(b'B'), b"\0s1\0\0\0"),
        ]
        .concat();
        let run = ["SELECT $1", "BEGIN", "SELECT $1"];
        assert_eq!(Ear::default().hear(&said), run);
        let mut ear = Ear::default();
        let bytewise = said.iter().flat_map(|byte| ear.hear(&[*byte]));
        assert_eq!(bytewise.collect::<Vec<_>>(), run);
    }
}

//! What a reader of the journey sees.

use std::{fmt, io::Write};

use serde_json::Value;

use crate::Fault;

/// Writes the lines of a conversation: position, speaker, words; and beneath, what came of it.
pub(crate) struct Transcript<'a> {
    out: &'a mut dyn Write,
    checks: u32,
}

impl<'a> Transcript<'a> {
    /// Begins one.
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, checks: 0 }
    }

    /// The headline of a step.
    pub(crate) fn step(&mut self, title: &str) -> Result<(), Fault> {
        self.line(&format!("\n  {title}"))
    }

    /// A message, as somebody sees it.
    pub(crate) fn says(&mut self, who: &str, message: &Value) -> Result<(), Fault> {
        let words = message["content"].as_str().unwrap_or_default();
        let tick = match message["isRead"].as_bool() {
            Some(true) => "✓✓",
            _ => "✓ ",
        };
        let position = message["seq"].as_u64().unwrap_or_default();
        self.line(&format!("  {position:>4}  {tick}  {who:<7}« {words} »"))
    }

    /// Something that was checked and is as promised.
    pub(crate) fn holds(&mut self, what: &str) -> Result<(), Fault> {
        self.checks += 1;
        self.line(&format!("              · {what}"))
    }

    /// A figure, for whoever wants to know.
    pub(crate) fn tells(&mut self, what: &str) -> Result<(), Fault> {
        self.line(&format!("                {what}"))
    }

    /// The last line.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        let checks = self.checks;
        self.line(&format!("\n  All {checks} promises were kept.\n"))
    }

    fn line(&mut self, text: &str) -> Result<(), Fault> {
        writeln!(self.out, "{text}").map_err(Fault::while_doing("write the transcript"))
    }
}

impl fmt::Debug for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcript").field("checks", &self.checks).finish_non_exhaustive()
    }
}

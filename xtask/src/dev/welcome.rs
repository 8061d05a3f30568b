//! The text that is printed once the server is ready.

use super::demo::Demo;
use crate::paint::{bold, faint};

/// Prints where the server is and what to try.
pub(super) fn print(port: u16, demo: &Demo) {
    println!("\n{}", text(port, demo));
}

fn text(port: u16, demo: &Demo) -> String {
    let base = format!("http://localhost:{port}");
    let mut text = vec![
        row("Messaging", &base),
        row("API docs", &format!("{base}/docs/")),
        row("Mails", &format!("{base}/dev/mails")),
        row("Stop", "Ctrl-C"),
        String::new(),
        row("Salon", &demo.salon_token),
        row("Client", &demo.client_token),
        row("Platform", &demo.service_token),
    ];
    for (title, command) in calls(&base, demo) {
        text.push(format!("\n  {}\n{command}", faint(title)));
    }
    text.push(String::new());
    text.join("\n")
}

fn row(label: &str, value: &str) -> String {
    format!("  {}  {value}", bold(&format!("{label:<9}")))
}

// Each is one line that works when pasted, hence no indentation and no variables.
fn calls(base: &str, demo: &Demo) -> [(&'static str, String); 3] {
    let conversations = format!("{base}/messaging/conversations");
    let id = &demo.conversation;
    let salon = format!("-H 'Authorization: Bearer {}'", demo.salon_token);
    let client = format!("-H 'Authorization: Bearer {}'", demo.client_token);
    let body = format!(r#"{{"conversationId":"{id}","content":"Bonjour !"}}"#);
    [
        ("The salon lists its conversations:", format!("curl -s {conversations} {salon}")),
        (
            "The client says something:",
            format!(
                "curl -s {conversations}/{id}/messages {client} -H 'Content-Type: application/json' -d '{body}'"
            ),
        ),
        (
            "The salon has something to read:",
            format!("curl -s {conversations}/unread/total {salon}"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_one_line_with_the_right_token() {
        let demo = Demo {
            salon_token: "s.s.s".into(),
            client_token: "c.c.c".into(),
            service_token: "p.p.p".into(),
            conversation: "0199".into(),
        };
        let calls = calls("http://localhost:3000", &demo);
        assert!(calls.iter().all(|(_, call)| !call.contains('\n')));
        assert!(calls[0].1.contains("Bearer s.s.s'"));
        assert!(calls[1].1.contains("/0199/messages -H 'Authorization: Bearer c.c.c'"));
        assert!(calls[1].1.ends_with(r#"-d '{"conversationId":"0199","content":"Bonjour !"}'"#));
        assert!(calls[2].1.contains("/unread/total -H 'Authorization: Bearer s.s.s'"));
    }
}

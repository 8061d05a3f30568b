use super::Words;

pub(crate) struct French;

impl Words for French {
    fn code(&self) -> &'static str {
        "fr"
    }

    fn via(&self, writer: &str, sender_name: &str) -> String {
        format!("{writer} via {sender_name}")
    }

    fn subject(&self, messages: u64, writer: &str) -> String {
        match messages {
            1 => format!("Nouveau message de {writer}"),
            n => format!("{n} nouveaux messages de {writer}"),
        }
    }

    fn digest_subject(&self, messages: u64, conversations: usize) -> String {
        format!("{messages} nouveaux messages dans {conversations} conversations")
    }

    fn title(&self, messages: u64) -> &'static str {
        if messages == 1 { "Nouveau message" } else { "Nouveaux messages" }
    }

    fn tagline(&self) -> &'static str {
        "Messagerie"
    }

    fn greeting(&self, first_name: Option<&str>) -> String {
        first_name.map_or_else(|| "Bonjour,".to_owned(), |name| format!("Bonjour {name},"))
    }

    fn news(&self, messages: u64, writer: &str) -> String {
        match messages {
            1 => format!("Vous avez reçu un nouveau message de {writer}."),
            n => format!("Vous avez reçu {n} nouveaux messages de {writer}."),
        }
    }

    fn digest_news(&self, messages: u64, conversations: usize) -> String {
        format!("Vous avez reçu {messages} nouveaux messages dans {conversations} conversations.")
    }

    fn latest(&self, messages: u64) -> &'static str {
        if messages == 1 { "Dernier message" } else { "Derniers messages" }
    }

    fn count(&self, messages: u64) -> String {
        match messages {
            1 => "1 nouveau message".to_owned(),
            n => format!("{n} nouveaux messages"),
        }
    }

    fn files(&self, files: usize) -> String {
        match files {
            1 => "1 pièce jointe".to_owned(),
            n => format!("{n} pièces jointes"),
        }
    }

    fn more(&self, messages: u64) -> String {
        match messages {
            1 => "et 1 autre message".to_owned(),
            n => format!("et {n} autres messages"),
        }
    }

    fn open(&self) -> &'static str {
        "Voir la conversation"
    }

    fn reply_hint(&self) -> &'static str {
        "Vous pouvez aussi répondre directement à cet email."
    }

    fn why(&self, messages: u64) -> &'static str {
        if messages == 1 {
            "Vous recevez cet email car vous avez un nouveau message."
        } else {
            "Vous recevez cet email car vous avez de nouveaux messages."
        }
    }

    fn colon(&self) -> &'static str {
        " :"
    }

    fn preferences(&self) -> &'static str {
        "Gérer vos préférences de notification"
    }

    fn unsubscribe(&self) -> &'static str {
        "Ne plus recevoir ces emails"
    }
}

//! What is said about mail: what people want of it, and how they end it.

use super::Text;

texts! {
    PARTICIPANT_NOT_FOUND = "Utilisateur non trouvé", "User not found";
    ENABLED_BOOLEAN = "emailNotificationsEnabled must be a boolean value",
        "emailNotificationsEnabled must be a boolean value";
    FREQUENCY_STRING = "emailFrequency must be a string", "emailFrequency must be a string";
    FREQUENCY_WORDS =
        "emailFrequency must be one of the following values: IMMEDIATE, HOURLY, DAILY, NEVER",
        "emailFrequency must be one of the following values: IMMEDIATE, HOURLY, DAILY, NEVER";
    QUIET_HOURS = "quietHours doit être null, ou deux heures différentes : from et to, telles que 22:00",
        "quietHours must be null, or two different times: from and to, such as 22:00";
    TIME_ZONE = "timeZone doit être null, ou un fuseau horaire tel que Europe/Paris",
        "timeZone must be null, or a time zone such as Europe/Paris";
    TOO_MANY_MUTED = "Trop de conversations sont en sourdine", "Too many conversations are muted";
}

// The page behind the link in each mail.
texts! {
    UNSUBSCRIBE_TITLE = "Notifications par e-mail", "E-mail notifications";
    UNSUBSCRIBE_QUESTION = "Ne plus recevoir d'e-mail quand un message vous attend ?",
        "Stop receiving e-mails when a message waits for you?";
    UNSUBSCRIBE_BUTTON = "Ne plus recevoir d'e-mails", "Stop these e-mails";
    UNSUBSCRIBED = "C'est fait : vous ne recevrez plus d'e-mails de la messagerie. Vous pouvez les réactiver \
        dans vos paramètres.",
        "Done: you will receive no more e-mails about messages. You can switch them on again in your \
        settings.";
    UNSUBSCRIBE_NOT_FOUND = "Ce lien n'est pas valable. Ouvrez-le depuis l'e-mail, en entier.",
        "This link is not valid. Open it from the e-mail, all of it.";
    UNSUBSCRIBE_LATER = "Cela n'a pas marché cette fois. Réessayez dans un moment.",
        "That did not work this time. Try again in a moment.";
}

// What Mailgun tells.
texts! {
    WEBHOOK_FORGED = "La signature n'est pas valable", "The signature is not valid";
    WEBHOOK_REPLAYED = "Ceci a déjà été dit", "This was told before";
    REPLY_NO_ADDRESS = "L'adresse ne désigne aucune conversation", "The address names no conversation";
    REPLY_OTHER_SENDER = "L'expéditeur n'est pas le destinataire de l'e-mail",
        "The sender is not whom the e-mail was for";
    REPLY_NO_ID = "La réponse n'a pas de Message-ID", "The answer has no Message-ID";
    REPLY_EMPTY = "La réponse est vide", "The answer is empty";
    REPLY_CONTRADICTED = "Une autre réponse porte ce Message-ID", "Another answer has this Message-ID";
    REPLY_GONE = "La conversation ou la réponse a été supprimée",
        "The conversation or the answer was deleted";
    REPLY_AUTOMATIC = "Une réponse automatique n'est pas un message", "An automatic answer is no message";
    REPLY_UNREADABLE = "La réponse est trop volumineuse ou illisible",
        "The answer is too large, or cannot be read";
}

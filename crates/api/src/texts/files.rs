//! What is said about files that are uploaded, sent and fetched.

use super::Text;

texts! {
    ATTACHMENT_NOT_FOUND = "Fichier non trouvé", "File not found";
    ATTACHMENT_UNKNOWN = "Fichier joint inconnu ou déjà utilisé",
        "Unknown attachment, or one in use already";
    ATTACHMENT_ID = "attachmentId doit contenir de 1 à 64 caractères parmi A-Z a-z 0-9 _ -",
        "attachmentId must have 1 to 64 characters of A-Z a-z 0-9 _ -";
    ATTACHMENT_TWICE = "attachmentId est donné deux fois", "attachmentId is given twice";
    LINK_EXPIRED = "Ce lien a expiré", "This link has expired";
    NOT_A_FORM = "Le corps de la requête doit être un formulaire multipart/form-data",
        "The body of the request must be a multipart/form-data form";
    MALFORMED_FORM = "Le formulaire est invalide", "The form is invalid";
    ONE_FILE = "Le formulaire doit contenir un seul champ, le fichier « file »",
        "The form must have one field only, the file \"file\"";
    FILE_UNREADABLE = "L'image est illisible", "The picture cannot be read";
    TOO_MANY_PIXELS = "L'image a trop de pixels", "The picture has too many pixels";
    TOO_MANY_UPLOADS = "Trop de fichiers en attente d'envoi", "Too many files wait to be sent";
}

use serde_json::json;

use crate::{
    Fault, appointment::booking_service, person::Person, rest::Rest, server::Server, stage::text,
    token, wait,
};

/// The most people that the directory takes in one request.
const BATCH: usize = 1_000;

/// The salon, at the REST interface.
pub(super) fn salon(server: &Server) -> Result<Rest, Fault> {
    rest(server, &Person::salon("salon", "Encre Noire"))
}

/// Enters so many clients, and opens a conversation with each in which nothing is said yet.
pub(super) async fn prepare(clients: usize, server: &Server) -> Result<Vec<String>, Fault> {
    let (service, salon) = (rest(server, &booking_service())?, salon(server)?);
    let numbers: Vec<usize> = (0..clients).collect();
    for some in numbers.chunks(BATCH) {
        let people: Vec<_> = some
            .iter()
            .map(|number| {
                let (id, email) =
                    (format!("client-{number}"), format!("client-{number}@example.org"));
                json!({ "id": id, "role": "client", "firstName": "Camille", "email": email })
            })
            .collect();
        let entries = json!({ "participants": people });
        service.post("/internal/participants:batch", &entries).await?.expect(204)?;
    }
    let mut conversations = Vec::new();
    for number in numbers {
        let new = json!({ "clientUserId": format!("client-{number}") });
        let opened = salon.post("/messaging/conversations", &new).await?.expect(201)?;
        conversations.push(text(&opened, "id")?);
    }
    Ok(conversations)
}

/// Writes once in each conversation, again and again until the server takes it.
pub(super) async fn write(salon: &Rest, conversations: &[String]) -> Result<(), Fault> {
    for (number, conversation) in conversations.iter().enumerate() {
        let path = format!("/messaging/conversations/{conversation}/messages");
        let key = format!("notice-{number}");
        let message = json!({ "content": "Votre dessin est prêt.", "clientMessageId": key });
        wait::until("a message taken", async || {
            // The server may be killed just now; whether it took the message, the key will tell.
            let answer = salon.post(&path, &message).await.ok();
            Ok(answer.filter(|answer| matches!(answer.status, 200 | 201)))
        })
        .await?;
    }
    Ok(())
}

fn rest(server: &Server, person: &Person) -> Result<Rest, Fault> {
    let token = token::mint(server.secret(), person, token::LIFETIME_S)?;
    Ok(Rest::new(&server.url()).with_token(&token))
}

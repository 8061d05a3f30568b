//! A large history, written directly into the tables.

use crate::{Fault, database::Database};

/// The conversation with a long history; its salon is [`salon`]`(0)`.
pub const LONG: &str = "seed-conversation-0";

/// Maximum messages of the long conversation.
const LONG_MESSAGES: u32 = 20_000;
/// Messages of each other conversation.
const MESSAGES_EACH: u32 = 100;
const SALONS: u32 = 50;
const CLIENTS: u32 = 2_000;
/// The salon has not read the last few of every seventh conversation.
const UNREAD_EVERY: u32 = 7;

/// The messages of the long conversation, for this total.
pub fn long(messages: u32) -> u32 {
    (messages / 2).min(LONG_MESSAGES)
}

/// The id of a seeded salon; there are 50.
pub fn salon(number: u32) -> String {
    format!("seed-salon-{number}")
}

/// Writes about `messages` messages (at least 200): one long conversation, and many of a hundred messages
/// each, spread over fifty salons and two thousand clients. The tables must exist.
///
/// # Errors
/// When a statement fails.
pub async fn fill(database: &Database, messages: u32) -> Result<(), Fault> {
    let long = long(messages);
    let others = (messages - long) / MESSAGES_EACH;
    let sql = [people(), conversations(long, others), messages_sql(), log()];
    let client = database.client().await?;
    for statement in sql {
        client.batch_execute(&statement).await.map_err(Fault::while_doing("fill the tables"))?;
    }
    client.batch_execute("VACUUM ANALYZE").await.map_err(Fault::while_doing("analyse the tables"))
}

fn people() -> String {
    format!(
        "INSERT INTO messaging.participant
            (id, role, first_name, last_name, salon_name, created_at, updated_at)
         SELECT 'seed-salon-' || i, 'user_salon', NULL, NULL, 'Salon ' || i, now(), now()
         FROM generate_series(0, {SALONS} - 1) i
         UNION ALL
         SELECT 'seed-client-' || i, 'client', 'Camille', 'Martin ' || i, NULL, now(), now()
         FROM generate_series(0, {CLIENTS} - 1) i"
    )
}

// Position 1 is the opening; the sides take turns, and the last message is the client's.
fn conversations(long: u32, others: u32) -> String {
    format!(
        "INSERT INTO messaging.conversation
            (id, salon_id, client_id, subject, status, created_at, updated_at, last_message_at,
             last_seq, salon_read_seq, client_read_seq, salon_message_seq, client_message_seq,
             message_count, unread_by_salon)
         SELECT 'seed-conversation-' || i, 'seed-salon-' || i % {SALONS},
             'seed-client-' || i % {CLIENTS}, 'Rendez-vous ' || i, 'ACTIVE',
             now() - interval '1 year', spoken, spoken, n + 1,
             CASE WHEN i % {UNREAD_EVERY} = 0 THEN n - 3 ELSE n + 1 END, n + 1, n, n + 1, n,
             CASE WHEN i % {UNREAD_EVERY} = 0 THEN 2 ELSE 0 END
         FROM generate_series(0, {others}) i,
             LATERAL (SELECT CASE i WHEN 0 THEN {long} ELSE {MESSAGES_EACH} END / 2 * 2 AS n,
                 now() - i * interval '1 minute' AS spoken) c"
    )
}

fn messages_sql() -> String {
    "INSERT INTO messaging.message
        (id, conversation_id, seq, author_side, kind, content, created_at, read_at)
     SELECT 'seed-message-' || right(c.id, -18) || '-' || j, c.id, j + 1,
         CASE j % 2 WHEN 1 THEN 'salon' ELSE 'client' END, 'TEXT',
         'Message ' || j || '. Bonjour, est-ce que samedi 14 h est encore possible pour vous ?',
         c.last_message_at - (c.message_count - j) * interval '1 minute',
         CASE WHEN j % 2 = 1 OR j + 1 <= c.salon_read_seq THEN c.last_message_at END
     FROM messaging.conversation c, generate_series(1, c.message_count) j
     WHERE c.id LIKE 'seed-%'"
        .to_owned()
}

fn log() -> String {
    "INSERT INTO messaging.event (conversation_id, seq, kind, actor_id, at, message_id)
     SELECT c.id, 1, 'conversation_opened', c.salon_id, c.created_at, NULL
     FROM messaging.conversation c WHERE c.id LIKE 'seed-%'
     UNION ALL
     SELECT m.conversation_id, m.seq, 'message_posted',
         CASE m.author_side WHEN 'salon' THEN c.salon_id ELSE c.client_id END, m.created_at, m.id
     FROM messaging.message m JOIN messaging.conversation c ON c.id = m.conversation_id
     WHERE m.id LIKE 'seed-%'"
        .to_owned()
}

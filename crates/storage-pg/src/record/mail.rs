//! What people want of mail, what waits for them, and what a mail says.

use diesel::{
    deserialize::Result,
    pg::Pg,
    row::NamedRow,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz},
};
use domain::{
    ids::{ConversationId, Seq, UserId},
    mail::{
        ConversationDigest, PendingConversation, Quote, ReplyToken,
        preferences::{Frequency, Preferences, QuietHours},
    },
    text::{Content, Subject},
    time::Zone,
};

use super::{Columns, FromColumns, PgTimestamp, good, participant};

/// What `user` said that they want, as `preference/recipient.sql` spells it; `None`: nothing yet.
pub(crate) fn wishes<'a>(row: &impl NamedRow<'a, Pg>, user: UserId) -> Result<Option<Preferences>> {
    let Some(created_at) = row.maybe_at("wish_created_at")? else { return Ok(None) };
    let muted = NamedRow::get::<Array<Text>, Vec<String>>(row, "wish_muted")?;
    let muted = muted.iter().map(|id| good("wish_muted", ConversationId::parse(id)));
    Ok(Some(Preferences {
        user,
        mail_enabled: NamedRow::get::<Bool, bool>(row, "wish_mail_enabled")?,
        frequency: row.parsed("wish_frequency", Frequency::parse)?,
        quiet_hours: quiet_hours(row)?,
        zone: row.maybe_parsed("wish_zone", Zone::parse)?,
        muted: muted.collect::<Result<_>>()?,
        created_at,
        updated_at: row.at("wish_updated_at")?,
    }))
}

fn quiet_hours<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Option<QuietHours>> {
    let minute = |column| -> Result<Option<u16>> {
        let minute = NamedRow::get::<Nullable<SmallInt>, Option<i16>>(row, column)?;
        minute.map(|minute| good(column, u16::try_from(minute))).transpose()
    };
    match (minute("wish_quiet_from_minute")?, minute("wish_quiet_to_minute")?) {
        (Some(from), Some(to)) => good("wish_quiet", QuietHours::new(from, to)).map(Some),
        _ => Ok(None),
    }
}

/// What waits, as `mail/case.sql` spells it: a column is a list, a place in it a conversation.
pub(crate) fn waiting<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Vec<PendingConversation>> {
    let numbers = |column| NamedRow::get::<Array<BigInt>, Vec<i64>>(row, column);
    let ids = NamedRow::get::<Array<Text>, Vec<String>>(row, "conversation_ids")?;
    let since = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "since")?;
    let newest_at = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "newest_at")?;
    let last_mailed_at =
        NamedRow::get::<Array<Nullable<Timestamptz>>, Vec<Option<PgTimestamp>>>(row, "told_at")?;
    let (noted, unmailed, up_to) = (numbers("noted")?, numbers("untold")?, numbers("up_to")?);
    let times = since.into_iter().zip(newest_at).zip(last_mailed_at);
    let places = ids.iter().zip(times).zip(noted).zip(unmailed).zip(up_to);
    places
        .map(|((((id, ((since, newest_at), last_mailed_at)), noted), unmailed), up_to)| {
            Ok(PendingConversation {
                conversation: good("conversation_ids", ConversationId::parse(id))?,
                since: since.0,
                noted: good("noted", u64::try_from(noted))?,
                unmailed: good("untold", u64::try_from(unmailed))?,
                up_to: good("up_to", Seq::new(up_to))?,
                newest_at: newest_at.0,
                last_mailed_at: last_mailed_at.map(|at| at.0),
            })
        })
        .collect()
}

impl FromColumns for ConversationDigest {
    fn from_columns<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Self> {
        Ok(Self {
            conversation: row.parsed("conversation_id", ConversationId::parse)?,
            writer: participant(row, "writer_")?,
            subject: row.maybe_parsed("subject", Subject::stored)?.flatten(),
            messages: row.count("messages")?,
            quotes: quotes(row)?,
            reply: row.parsed("reply_token", ReplyToken::parse)?,
        })
    }
}

fn quotes<'a>(row: &impl NamedRow<'a, Pg>) -> Result<Vec<Quote>> {
    let words = NamedRow::get::<Array<Text>, Vec<String>>(row, "words")?;
    let files = NamedRow::get::<Array<Integer>, Vec<i32>>(row, "files")?;
    let at = NamedRow::get::<Array<Timestamptz>, Vec<PgTimestamp>>(row, "posted_at")?;
    let quote = |((words, files), PgTimestamp(at))| {
        Ok(Quote {
            words: good("words", Content::stored(words))?,
            files: good("files", usize::try_from(files))?,
            at,
        })
    };
    words.into_iter().zip(files).zip(at).map(quote).collect()
}

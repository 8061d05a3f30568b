//! A table of routes and of what they answer to whom, and how it is played.

use serde_json::Value;
use testkit::{Fault, fault::same, rest::Answer};

use crate::callers::{Accounts, CALLERS, Caller, Fixture, SECRET};

/// One row of the table.
pub(crate) struct Route {
    name: &'static str,
    method: &'static str,
    path: Path,
    body: Body,
    /// Status and, for a refusal, its code; in the order of [`CALLERS`].
    answers: [&'static str; 6],
}

/// Where.
pub(crate) type Path = fn(&Fixture) -> String;
/// With what.
pub(crate) type Body = fn(&Fixture) -> Option<Value>;

/// A row.
pub(crate) const fn route(
    name: &'static str,
    method: &'static str,
    path: Path,
    body: Body,
    answers: [&'static str; 6],
) -> Route {
    Route { name, method, path, body, answers }
}

/// The answer to an expired token.
pub(crate) const LATE: &str = "401 token_expired";
/// The answer to a missing token.
pub(crate) const NOBODY: &str = "401 unauthorized";
/// What is not yours is not there.
pub(crate) const NO_CONVERSATION: &str = "404 conversation_not_found";

/// For those who know who they are, each about themselves.
pub(crate) const OWN: [&str; 6] = ["200", "200", "200", "200", NOBODY, LATE];

/// No body.
pub(crate) fn nothing(_: &Fixture) -> Option<Value> {
    None
}

/// Has every caller call every route.
pub(crate) async fn check_table(accounts: &Accounts, table: &[Route]) -> Result<(), Fault> {
    for route in table {
        for (caller, expected) in CALLERS.into_iter().zip(route.answers) {
            let what = format!("{} by {caller:?}", route.name);
            check(accounts, route, caller, expected).await.map_err(Fault::while_doing(what))?;
        }
    }
    Ok(())
}

async fn check(
    accounts: &Accounts,
    route: &Route,
    caller: Caller,
    expected: &str,
) -> Result<(), Fault> {
    let fixture = accounts.fixture().await?;
    let before = accounts.app.database.digest().await?;
    let rest = accounts.rest(caller)?;
    let path = (route.path)(&fixture);
    let answer = rest.call(route.method, &path, (route.body)(&fixture).as_ref()).await?;
    same("the answer", summary(&answer), expected.to_owned())?;
    if !expected.starts_with('2') || route.method == "GET" {
        let after = accounts.app.database.digest().await?;
        same("what is stored", after, before)?;
    }
    if !caller.takes_part() && answer.body.to_string().contains(SECRET) {
        return Err(Fault::new(format!("somebody else's words: {}", answer.body)));
    }
    Ok(())
}

fn summary(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.code()).trim_end().to_owned()
}

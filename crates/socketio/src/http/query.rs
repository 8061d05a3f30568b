//! The query of a request.

use actix_web::{HttpRequest, web};

/// A transport by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Polling,
    WebSocket,
}

/// The parameters that mean something. Others are ignored.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) version: Option<String>,
    pub(super) transport: Option<Transport>,
    pub(super) sid: Option<String>,
}

impl Query {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let mut query = Self::default();
        let Ok(pairs) = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        else {
            return query;
        };
        for (name, value) in pairs.into_inner() {
            match name.as_str() {
                "EIO" => query.version = Some(value),
                "transport" => query.transport = transport(&value),
                "sid" => query.sid = Some(value),
                _ => {}
            }
        }
        query
    }
}

fn transport(name: &str) -> Option<Transport> {
    match name {
        "polling" => Some(Transport::Polling),
        "websocket" => Some(Transport::WebSocket),
        _ => None,
    }
}

//! What a token says, and its form as JSON.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, de::Error};
use tidewire_protocol::MemberId;

use super::Jwt;
use crate::access::{Grants, Pattern, Right};

/// What a token says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    #[serde(rename = "sub", deserialize_with = "member")]
    pub(super) subject: MemberId,
    #[serde(rename = "exp", deserialize_with = "time")]
    pub(super) expires: SystemTime,
    #[serde(rename = "nbf", default, deserialize_with = "maybe_time")]
    pub(super) not_before: Option<SystemTime>,
    #[serde(rename = "iat", default, deserialize_with = "maybe_time")]
    pub(super) issued: Option<SystemTime>,
    #[serde(default = "Grants::none", deserialize_with = "grants")]
    pub(super) grants: Grants,
}

fn member<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MemberId, D::Error> {
    let id = String::deserialize(deserializer)?;
    MemberId::new(&id).map_err(|_| D::Error::custom("not a member's name"))
}

/// Seconds since 1970, perhaps with a fraction ([RFC 7519 section 2](https://www.rfc-editor.org/rfc/rfc7519#section-2)).
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    let since = Duration::try_from_secs_f64(seconds).map_err(|_| D::Error::custom("not a time"))?;
    UNIX_EPOCH
        .checked_add(since)
        .ok_or_else(|| D::Error::custom("not a time"))
}

fn maybe_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    time(deserializer).map(Some)
}

fn grants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Grants, D::Error> {
    let listed = BTreeMap::<String, Vec<Right>>::deserialize(deserializer)?;
    if listed.len() > Jwt::MAX_GRANTS {
        return Err(D::Error::custom("too many grants"));
    }
    listed.into_iter().try_fold(Grants::none(), |grants, (rooms, rights)| {
        let rooms: Pattern = rooms.parse().map_err(D::Error::custom)?;
        Ok(grants.and(rooms, rights))
    })
}

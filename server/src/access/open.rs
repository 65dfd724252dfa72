//! Everybody may do everything: what there is where nothing else was given.

use super::{Access, Connecting, Decision, Denied, Pass};

/// Lets everybody do everything, without a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Access for Open {
    fn connect(&self, _: &Connecting<'_>) -> Decision<Result<Pass, Denied>> {
        Decision::Now(Ok(Pass::anonymous()))
    }
}

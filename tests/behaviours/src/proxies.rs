//! Proxies as people have them, and the one list of them. A run has a test through each, under its name.

use crate::{Polls, Rules, Setting, Spoiled, WebSockets};

/// A test through each proxy: `each_proxy!(tokio::test, run)`, where `run` takes the proxy's name and its [`Setting`].
#[macro_export]
macro_rules! each_proxy {
    ($test:meta, $run:path) => {
        $crate::each_proxy! {
            @list $test, $run;
            upgrades_forbidden
            upgrades_not_implemented
            upgrades_killed
            upgrades_that_hang
            idle_connections_cut
            idle_polls_cut
            answers_held_back
            polls_answered_with_502
            polls_answered_with_413
            polls_answered_with_a_page
            requests_spread_over_two_servers
        }
    };
    (@list $test:meta, $run:path; $($(#[$($ignored:tt)*])? $proxy:ident)*) => {$(
        #[$test]
        $(#[$($ignored)*])?
        async fn $proxy() {
            $run(stringify!($proxy), $crate::proxies::$proxy()).await;
        }
    )*};
}

/// It knows WebSockets, and does not want them.
#[must_use]
pub fn upgrades_forbidden() -> Setting {
    by(WebSockets::Refuse(403))
}

/// It does not know WebSockets.
#[must_use]
pub fn upgrades_not_implemented() -> Setting {
    by(WebSockets::Refuse(501))
}

/// It lets WebSockets open, and ends them soon.
#[must_use]
pub fn upgrades_killed() -> Setting {
    by(WebSockets::Kill(200))
}

/// It waits for an answer to a request that it does not understand.
#[must_use]
pub fn upgrades_that_hang() -> Setting {
    by(WebSockets::Hang)
}

/// It ends what has been silent for a while; a minute, where time is not as short as here.
#[must_use]
pub fn idle_connections_cut() -> Setting {
    with(Rules {
        idle_ms: Some(300),
        ..Rules::default()
    })
}

/// The same, and it refuses WebSockets.
#[must_use]
pub fn idle_polls_cut() -> Setting {
    with(idle_connections_cut().rules.without_websockets())
}

/// It sends nothing on before there is enough of it.
#[must_use]
pub fn answers_held_back() -> Setting {
    with(Rules {
        hold_bytes: Some(4096),
        ..Rules::default()
    })
}

/// It does not reach the server now and then.
#[must_use]
pub fn polls_answered_with_502() -> Setting {
    spoiled(Spoiled::Status(502))
}

/// It takes less in a request than the server now and then.
#[must_use]
pub fn polls_answered_with_413() -> Setting {
    spoiled(Spoiled::Status(413))
}

/// It shows its own page now and then, and calls it a success.
#[must_use]
pub fn polls_answered_with_a_page() -> Setting {
    spoiled(Spoiled::Page)
}

/// It sends each request to another server, whoever it is from.
#[must_use]
pub fn requests_spread_over_two_servers() -> Setting {
    Setting {
        servers: 2,
        ..with(Rules::default().without_websockets())
    }
}

fn with(rules: Rules) -> Setting {
    Setting {
        rules,
        ..Setting::default()
    }
}

fn by(websockets: WebSockets) -> Setting {
    with(Rules {
        websockets,
        ..Rules::default()
    })
}

/// One poll of four is not answered, and WebSockets are refused.
fn spoiled(by: Spoiled) -> Setting {
    let polls = Polls::Spoil(4, by);
    with(Rules {
        polls,
        ..Rules::default().without_websockets()
    })
}

//! What runs have exercised: a run in which nothing happened proves nothing.

use std::{fmt, ops::AddAssign};

macro_rules! coverage {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// How often each thing happened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct Coverage {
            $($(#[$doc])* pub(crate) $name: u64,)*
        }

        impl Coverage {
            pub(crate) fn list(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }

        impl AddAssign for Coverage {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }
    };
}

coverage! {
    /// Messages that subscribers received.
    messages,
    /// Publishes that were confirmed.
    published,
    /// Publishes that were refused.
    refused,
    /// Publishes whose time passed before they were sent.
    expired,
    /// Publishes whose outcome stayed unknown.
    unconfirmed,
    /// Publishes that came twice and were accepted once.
    duplicates,
    /// Publishes that did not fit into the outbox.
    outbox_full,
    /// Transports that were cut.
    cuts,
    /// Of these, cuts of which one side heard nothing.
    half_open,
    /// Cuts with bytes on their way.
    lost_batches,
    /// Transports that could not be opened.
    failed_connects,
    /// Links that were slow for a while.
    stalls,
    /// Sessions that went on.
    resumes,
    /// Sessions that had expired.
    replaced,
    /// Sessions that were taken over from a connection that was not known to be dead.
    takeovers,
    /// Of these, sessions that came to another node.
    moved_nodes,
    /// Sessions of which a node knew nothing, or nothing new, and that it took in.
    adopted,
    /// Publishes that came to the engine after another node had their session.
    superseded,
    /// Publishes for which a node asked twice.
    asked_again,
    /// Gaps because messages were evicted.
    gaps_evicted,
    /// Gaps because the log was lost.
    gaps_lost,
    /// Nodes that went away with all their connections.
    node_restarts,
    /// Engines that lost logs and sessions.
    engine_losses,
    /// Nodes that sent their clients away.
    drains,
    /// Connections that were closed when all that was taken of their clients was answered.
    finished,
    /// Of these drains, such of all nodes, after which the engine lost logs and sessions.
    restarts,
    /// Strangers who knew a session, and did not get it.
    strangers,
    /// Tokens that were renewed in place.
    renewals,
    /// Tokens that expired.
    token_expiries,
    /// Of these, tokens that had expired when they came, by a clock that was wrong.
    refused_tokens,
    /// Clients that were asked for a token and had none.
    token_failures,
    /// The same, and nothing came of it.
    token_timeouts,
    /// Clients that gave up until their user gave them a token.
    unauthorized,
    /// Networks that went away and came back.
    offline,
    /// Clients that slept, with all their timers.
    sleeps,
    /// Pages that were loaded again, whose next client went on.
    reloads,
    /// Publishes that a page had not heard of when it was loaded again.
    restored,
    /// Pages that could not be seen for a while.
    hidden,
    /// Pages that were put away for a while.
    suspended,
    /// Subscriptions that were ended by their client.
    unsubscribes,
    /// Signals that arrived.
    signals,
    /// Members that were told to have joined or left.
    presence_changes,
    /// Lists of who is there.
    presence_lists,
    /// Subscribers that were too slow for changes, and were told a list anew.
    presence_missed,
    /// Subscriptions whose user did not take messages for a while.
    pauses,
    /// Round trips that were told.
    round_trips,
    /// Clients that ended their session.
    ended,
    /// Transports of a kind that is of no use.
    useless_transports,
    /// Transports of another kind than the one before.
    moved_on,
    /// Of these, polls after a stream, or the other way round.
    moves,
    /// Of these, streams that took the place of polls while the session was open.
    moved_up,
    /// Times that a user chose which kinds a client may have.
    chosen,
    /// Of these, such as had an open session go over to another transport.
    moves_chosen,
    /// Polls.
    polls,
    /// Messages that came by polls.
    polled_messages,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<String> = self
            .list()
            .into_iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        f.write_str(&list.join(", "))
    }
}

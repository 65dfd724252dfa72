//! Much of what is allowed, from one who says it: subscriptions, publishes, signals, rooms.

use anyhow::{Result, ensure};

use crate::{
    answer::Answer::{self, Close, Dropped, GoesOn, Refused},
    attack::Attack,
    room::{
        Member, PUBLISHED, REFUSED, SUBSCRIBED, UNSUBSCRIBED, batch, code, publish, ready_small, signal, subscribe,
        unsubscribe,
    },
    target::Target,
};

const WS: &[&str] = &["/ws"];

/// While its answers are not read, no more is read from it: it may count as silent before it counts as stalled.
const STALLED: &[Answer] = &[Close(4101), Close(4000), Dropped];

/// So many frames are one batch.
const BATCH: u64 = 500;

pub(super) static ATTACKS: &[Attack] = &[
    Attack::mass("10,000 subscriptions", &[Refused(3)], |target, _| {
        Box::pin(subscriptions(target))
    })
    .at(WS),
    Attack::mass("subscribe and unsubscribe in turns", &[GoesOn], |target, _| {
        Box::pin(turns(target))
    })
    .at(WS),
    Attack::mass("publishes, their answers not read", STALLED, |target, path| {
        Box::pin(async move {
            let mut peer = ready_small(target, path).await?;
            // The number of a publish that was accepted already is answered as before.
            let storm = publish(1, "storm", &[b'x'; 10]).repeat(BATCH as usize);
            peer.flood(&batch(&storm)).await?;
            peer.verdict().await
        })
    })
    .waits()
    .at(WS),
    Attack::mass("signals", &[GoesOn], |target, _| Box::pin(signals(target))).at(WS),
    Attack::mass("thousands of rooms", &[Refused(102), GoesOn], |target, _| {
        Box::pin(rooms(target))
    })
    .at(WS),
    Attack::mass(
        "pings of the room protocol, their pongs not read",
        STALLED,
        |target, path| {
            Box::pin(async move {
                let mut peer = ready_small(target, path).await?;
                peer.flood(&batch(&[1, 1, 9].repeat(1000))).await?;
                peer.verdict().await
            })
        },
    )
    .waits()
    .at(WS),
];

/// One asks for more rooms than it may have: those past the limit are refused, and it goes on.
async fn subscriptions(target: Target) -> Result<Answer> {
    let mut member = Member::join(target).await?;
    let mut last = GoesOn;
    for first in (0..10_000).step_by(BATCH as usize) {
        let asked = (first..first + BATCH).flat_map(|it| subscribe(it + 1, &format!("subscription {it}")));
        member.say(&asked.collect::<Vec<_>>()).await?;
        for _ in 0..BATCH {
            let heard = member.wait_for(&[SUBSCRIBED, REFUSED]).await?;
            last = if heard.0 == REFUSED {
                Refused(code(&heard)?)
            } else {
                GoesOn
            };
        }
    }
    ensure!(member.peer.goes_on().await? == GoesOn, "closed instead of refused");
    Ok(last)
}

async fn turns(target: Target) -> Result<Answer> {
    let mut member = Member::join(target).await?;
    for first in (0..target.scale.items as u64).step_by(BATCH as usize) {
        let turns = (first + 1..=first + BATCH).flat_map(|it| [subscribe(it, "turns"), unsubscribe(it)].concat());
        member.say(&turns.collect::<Vec<_>>()).await?;
        for _ in 0..BATCH {
            let heard = member.wait_for(&[UNSUBSCRIBED, REFUSED]).await?;
            ensure!(heard.0 == UNSUBSCRIBED, "refused with {}", code(&heard)?);
        }
    }
    member.peer.goes_on().await
}

/// Signals in a room with some who listen and some who do not read.
async fn signals(target: Target) -> Result<Answer> {
    let mut stalled = Vec::new();
    for _ in 0..20 {
        let mut peer = ready_small(target, "/ws").await?;
        peer.send(&batch(&subscribe(1, "signals"))).await?;
        stalled.push(peer);
    }
    let mut member = Member::join(target).await?;
    let storm = signal("signals", &[b's'; 200]).repeat(100);
    for _ in 0..target.scale.items / 100 {
        member.say(&storm).await?;
    }
    member.peer.goes_on().await
}

/// A message in each of more rooms than there may be.
async fn rooms(target: Target) -> Result<Answer> {
    let mut member = Member::join(target).await?;
    let mut last = GoesOn;
    for first in (0..target.scale.items as u64).step_by(BATCH as usize) {
        let storm = (first + 1..=first + BATCH).flat_map(|it| publish(it, &format!("room {it}"), b"x"));
        member.say(&storm.collect::<Vec<_>>()).await?;
        for _ in 0..BATCH {
            let heard = member.wait_for(&[PUBLISHED, REFUSED]).await?;
            if heard.0 == REFUSED {
                last = Refused(code(&heard)?);
            }
        }
    }
    ensure!(member.peer.goes_on().await? == GoesOn, "closed instead of refused");
    Ok(last)
}

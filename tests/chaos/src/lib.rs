//! Clients that talk in rooms over connections that keep breaking, and what must come of it all the same.
//!
//! The same code runs natively and in a browser: it waits for futures alone. Who runs it brings the [`Network`].

#![forbid(unsafe_code)]

mod member;
mod model;
mod network;
mod survived;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};

use tidewire_client::ClientOptions;

use self::{member::Member, model::Model};
pub use self::{
    network::{Counters, Network},
    survived::Survived,
};

/// What is to be survived.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// How many clients there are. Each is in two rooms.
    pub clients: usize,
    /// How many rooms there are, at least two.
    pub rooms: usize,
    /// How many publishes of a client may be under way.
    pub unanswered: usize,
    /// At least so many messages are published, in all.
    pub messages: u64,
    /// At least so many connections are ended by a fault.
    pub cuts: u64,
    /// What the client of this number is made with.
    pub options: fn(usize) -> ClientOptions,
}

/// Those of a client that does not wait for long.
#[must_use]
pub fn impatient(_number: usize) -> ClientOptions {
    let mut options = ClientOptions::default();
    options.backoff.base = Duration::from_millis(20);
    options.backoff.cap = Duration::from_millis(200);
    options
}

/// What all members share.
#[derive(Debug, Default)]
struct World {
    model: Model,
    survived: Mutex<Survived>,
    /// Whether enough was said.
    is_enough: AtomicBool,
}

impl Chaos {
    /// Runs it with clients of the server at `url`, which is behind `network`. The server is replaced by an empty one
    /// halfway. `progress` is told where it is, whenever the network was looked at; `deadline` ends it.
    ///
    /// # Errors
    ///
    /// Which promise was broken, or what was not done at the deadline.
    pub async fn run(
        &self,
        url: &str,
        network: &mut impl Network,
        progress: impl FnMut(&Survived),
        deadline: impl Future<Output = ()>,
    ) -> Result<Survived, String> {
        let world = Arc::new(World::default());
        match select(pin!(self.live(url, network, &world, progress)), pin!(deadline)).await {
            Either::Left((outcome, _)) => outcome?,
            Either::Right(_) => {
                let (survived, behind) = (world.survived(), world.model.behind());
                return Err(format!("not done at the deadline: {survived}; {behind}"));
            }
        }
        world.model.check()?;
        let survived = world.survived();
        if survived.confirmed + survived.unconfirmed != survived.published {
            return Err(format!("publishes were not answered: {survived}"));
        }
        Ok(survived)
    }

    async fn live(
        &self,
        url: &str,
        network: &mut impl Network,
        world: &Arc<World>,
        progress: impl FnMut(&Survived),
    ) -> Result<(), String> {
        let mut members = (0..self.clients)
            .map(|number| Member::connect(number, self, url, world))
            .collect::<Result<Vec<_>, _>>()?;
        let talking = all(members.iter_mut().map(Member::talk));
        let breaking = self.look_after(network, world, progress);
        // Nobody falls silent before enough was said, which whoever looks after the network tells.
        all([talking.left_future(), breaking.right_future()]).await?;
        network.heal().await?;
        all(members.iter().map(Member::say_end)).await?;
        all(members.into_iter().map(Member::listened)).await
    }

    /// Until there were enough messages and cuts.
    async fn look_after(
        &self,
        network: &mut impl Network,
        world: &World,
        mut progress: impl FnMut(&Survived),
    ) -> Result<(), String> {
        let mut is_first_server = true;
        loop {
            let faults = network.counters().await?;
            world.count(|it| it.faults = faults);
            let survived = world.survived();
            progress(&survived);
            if is_first_server && survived.has(self.messages / 2, self.cuts / 2) {
                is_first_server = false;
                world.model.on_log_lost(network.is_graceful());
                network.replace_server().await?;
            }
            if survived.has(self.messages, self.cuts) {
                world.is_enough.store(true, Ordering::Relaxed);
                return Ok(());
            }
        }
    }
}

impl World {
    fn count(&self, change: impl FnOnce(&mut Survived)) {
        change(&mut self.survived.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn survived(&self) -> Survived {
        *self.survived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs them side by side, until all are done or one has failed.
async fn all(futures: impl IntoIterator<Item: Future<Output = Result<(), String>>>) -> Result<(), String> {
    let mut futures: FuturesUnordered<_> = futures.into_iter().collect();
    while let Some(outcome) = futures.next().await {
        outcome?;
    }
    Ok(())
}

//! Which faults follow from a seed.

use std::time::Duration;

use super::Fault;

/// Faults that follow from a seed: the same for each connection of the same number, counted in the order they are made.
///
/// A connection that has got over a fault gets another, until one ends it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What everything follows from.
    pub seed: u64,
    /// No fault comes later than after so many bytes in one direction since the last; most come much sooner.
    pub longest_bytes: u64,
    /// No stall is longer, and no connection is slow for longer.
    pub longest_stall: Duration,
    /// For so long a connection swallows what is sent on it. Then it is cut.
    pub half_open: Duration,
    /// Of a hundred connections, how many have no fault.
    pub healthy_percent: u32,
}

/// What befalls one connection, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// What.
    pub fault: Fault,
    /// Once exactly so many bytes were passed on since the fault before,
    pub after_bytes: u64,
    /// in this direction.
    pub direction: Direction,
    /// For so long, where it is one that lasts; otherwise until another fault, or none, is set.
    pub lasts: Option<Duration>,
}

/// What will befall one connection.
#[derive(Debug)]
pub(super) struct Schedule {
    plan: Option<(Plan, fastrand::Rng)>,
    next: Option<Script>,
}

/// One of the two directions of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

impl Plan {
    /// Every connection gets a fault, within 64 KiB; stalls of up to 200 ms, and half a second of silence.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            longest_bytes: 64 << 10,
            longest_stall: Duration::from_millis(200),
            half_open: Duration::from_millis(500),
            healthy_percent: 0,
        }
    }

    /// What befalls connection `number`, from 0, first.
    #[must_use]
    pub fn script(&self, number: u64) -> Script {
        self.draw(&mut self.random(number))
    }

    fn random(&self, number: u64) -> fastrand::Rng {
        // Neighbouring seeds give unrelated numbers, since the generator mixes what it is given; `number` is mixed too so
        // that seed 1 of connection 2 is not seed 2 of connection 1.
        fastrand::Rng::with_seed(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn draw(&self, random: &mut fastrand::Rng) -> Script {
        let is_healthy = random.u32(0..100) < self.healthy_percent;
        let fault = match random.u32(0..100) {
            _ if is_healthy => Fault::None,
            0..45 => Fault::Cut,
            45..65 => Fault::Reset,
            65..75 => Fault::HalfOpen,
            75..85 => Fault::Stall,
            85..95 => Fault::Slow,
            _ => Fault::Refuse,
        };
        // As many faults among the first 16 bytes as from 1 to 16 KiB.
        let magnitude = random.f64() * (self.longest_bytes as f64 + 1.0).log2();
        Script {
            fault,
            after_bytes: (magnitude.exp2() as u64).saturating_sub(1),
            direction: if random.bool() {
                Direction::ToServer
            } else {
                Direction::ToClient
            },
            lasts: Some(match fault {
                Fault::HalfOpen => self.half_open,
                _ => self.longest_stall.mul_f64(random.f64()),
            }),
        }
    }
}

impl Script {
    /// This fault, once so many bytes were passed on in this direction, until another fault, or none, is set.
    #[must_use]
    pub const fn new(fault: Fault, direction: Direction, after_bytes: u64) -> Self {
        Self {
            fault,
            after_bytes,
            direction,
            lasts: None,
        }
    }
}

impl Schedule {
    /// All that follows from a plan for the connection of this number.
    pub(super) fn planned(plan: Plan, number: u64) -> Self {
        let mut schedule = Self {
            plan: Some((plan, plan.random(number))),
            next: None,
        };
        schedule.draw();
        schedule
    }

    /// This one, if any.
    pub(super) const fn scripted(script: Option<Script>) -> Self {
        Self {
            plan: None,
            next: script,
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.next.is_some_and(|script| script.fault == Fault::Refuse)
    }

    /// The fault that is due in this direction, or how many bytes may pass before it.
    pub(super) fn take_due(&mut self, direction: Direction) -> Result<Script, usize> {
        match self.next {
            Some(script) if script.direction != direction => Err(usize::MAX),
            Some(script) if script.after_bytes == 0 => {
                self.draw();
                Ok(script)
            }
            Some(script) => Err(usize::try_from(script.after_bytes).unwrap_or(usize::MAX)),
            None => Err(usize::MAX),
        }
    }

    pub(super) fn on_passed(&mut self, direction: Direction, count: u64) {
        if let Some(script) = self.next.as_mut().filter(|it| it.direction == direction) {
            script.after_bytes = script.after_bytes.saturating_sub(count);
        }
    }

    fn draw(&mut self) {
        let script = self.plan.as_mut().map(|(plan, random)| plan.draw(random));
        self.next = script.filter(|it| it.fault != Fault::None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_faults_each_time_and_another_seed_others() {
        let scripts = |seed| -> Vec<_> { (0..50).map(|number| Plan::new(seed).script(number)).collect() };
        assert_eq!(scripts(1), scripts(1));
        assert_ne!(scripts(1), scripts(2));
    }

    #[test]
    fn every_kind_of_fault_comes_and_none_too_late() {
        let plan = Plan::new(7);
        let scripts: Vec<_> = (0..2000).map(|number| plan.script(number)).collect();
        let has = |kind: fn(&Script) -> bool| scripts.iter().filter(|it| kind(it)).count() > 50;
        assert!(has(|it| it.fault == Fault::Cut));
        assert!(has(|it| it.fault == Fault::Reset));
        assert!(has(|it| it.fault == Fault::HalfOpen));
        assert!(has(|it| it.fault == Fault::Stall));
        assert!(has(|it| it.fault == Fault::Slow));
        assert!(has(|it| it.fault == Fault::Refuse));
        assert!(has(|it| it.after_bytes == 0));
        assert!(has(|it| it.after_bytes > 16 << 10));
        assert!(scripts.iter().all(|it| it.after_bytes <= plan.longest_bytes));
        assert!(scripts.iter().all(|it| it.lasts <= Some(plan.half_open)));
    }

    #[test]
    fn healthy_connections_have_no_fault() {
        let plan = Plan {
            healthy_percent: 100,
            ..Plan::new(7)
        };
        assert!((0..100).all(|number| plan.script(number).fault == Fault::None));
    }
}

//! Runs attacks one after the other, and sees after each that good peers are served.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use tokio::{sync::Semaphore, task::JoinSet, time::timeout};

use crate::{
    answer::Answer,
    attack::Attack,
    memory::{Memory, Watch},
    server::Process,
    target::Target,
    witness,
};

/// How an attack went.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// What was answered at each path.
    pub(crate) answers: BTreeMap<&'static str, BTreeSet<Answer>>,
    /// What is wrong, if anything.
    pub(crate) faults: BTreeSet<String>,
    pub(crate) took: Duration,
    /// Of the server, where its process is known.
    pub(crate) memory: Option<Memory>,
}

/// What is attacked, and what is looked at meanwhile.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) target: Target,
    /// The server, where its process is known.
    pub(crate) process: Option<Process>,
    /// Where a server has WebSockets that is not a `tidewire`.
    pub(crate) paths: Vec<String>,
}

impl Runner {
    /// Attacks all paths of the attack at once, then asks as good peers do.
    pub(crate) async fn run(&self, attack: &'static Attack) -> Result<Row> {
        let watch = self.process.map(Watch::begin).transpose()?;
        let begun = Instant::now();
        let mut row = Row::new(attack.name);
        let mut tasks = self.begin(attack);
        while let Some(done) = tasks.join_next().await {
            let (path, answer) = done?;
            row.on_answer(attack, path, answer);
        }
        row.took = begun.elapsed();
        if let Err(error) = witness::ask(self.target, &self.paths).await {
            row.faults.insert(format!("{error:#}"));
        }
        row.memory = watch.map(Watch::end).transpose()?;
        Ok(row)
    }

    /// Does all of these beside one another. The memory is that of all.
    pub(crate) async fn run_beside(&self, attacks: Vec<&'static Attack>) -> Result<Vec<Row>> {
        let mut tasks = JoinSet::new();
        for attack in attacks {
            let runner = self.clone();
            tasks.spawn(async move { runner.run(attack).await });
        }
        tasks.join_all().await.into_iter().collect()
    }

    fn begin(&self, attack: &'static Attack) -> JoinSet<(&'static str, Result<Answer>)> {
        let mut tasks = JoinSet::new();
        let target = self.target;
        let is_there = |path: &&&str| target.has_rooms || self.paths.iter().any(|it| it == **path);
        // Who waits is no burden; of others only a few are under way at a time, so that none is late by itself.
        let turns = Arc::new(Semaphore::new(if attack.waits { usize::MAX >> 3 } else { AT_A_TIME }));
        for &path in attack.paths.iter().filter(is_there) {
            for _ in 0..attack.times(target) {
                let turns = Arc::clone(&turns);
                tasks.spawn(async move {
                    let _turn = turns.acquire().await;
                    let answer = timeout(MOST, attack.deed.run(target, path)).await;
                    let late = || Err(anyhow!("not over after {} s", MOST.as_secs()));
                    (path, answer.unwrap_or_else(|_| late()))
                });
            }
        }
        tasks
    }
}

impl Row {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            answers: BTreeMap::new(),
            faults: BTreeSet::new(),
            took: Duration::ZERO,
            memory: None,
        }
    }

    fn on_answer(&mut self, attack: &Attack, path: &'static str, answer: Result<Answer>) {
        match answer {
            Ok(answer) => {
                self.answers.entry(path).or_default().insert(answer);
                if !attack.expected.contains(&answer) {
                    let expected: Vec<_> = attack.expected.iter().map(Answer::to_string).collect();
                    self.faults
                        .insert(format!("{path}: {answer} instead of {}", expected.join(" or ")));
                }
            }
            Err(error) => drop(self.faults.insert(format!("{path}: {error:#}"))),
        }
    }
}

/// How long one attack may take.
const MOST: Duration = Duration::from_secs(120);

/// So much of one attack is under way at a time.
const AT_A_TIME: usize = 12;

//! The table of what was done, and what came of it.

use std::{collections::BTreeMap, fmt};

use crate::{memory::Rest, run::Row};

/// The first line.
pub(crate) const HEADER: &str = "attack                                              path                 answer                     ms   KiB before     peak    after";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Paths that answered alike share a line.
        let mut alike = BTreeMap::<String, Vec<&str>>::new();
        for (path, answers) in &self.answers {
            let answers: Vec<_> = answers.iter().map(ToString::to_string).collect();
            alike.entry(answers.join(", ")).or_default().push(path);
        }
        if alike.is_empty() {
            alike.insert("none".into(), Vec::new());
        }
        let mut name = self.name;
        for (answer, paths) in alike {
            let paths = paths.join(" ").replace("/rooms/lobby/messages", "");
            write!(f, "{name:<51} {paths:<20} {answer:<22} {:>6}", self.took.as_millis())?;
            if let Some(memory) = self.memory {
                write!(f, "     {:>8} {:>8} {:>8}", memory.before, memory.peak, memory.after)?;
            }
            writeln!(f)?;
            name = "";
        }
        self.faults
            .iter()
            .try_for_each(|fault| writeln!(f, "  FAILED: {fault}"))
    }
}

/// What the server has at rest, before all attacks and after them.
pub(crate) fn rest(before: Rest, after: Rest) -> String {
    let percent = after.resident as f64 / before.resident as f64 * 100.0 - 100.0;
    let verdict = if after.is_like(before) { "met" } else { "MISSED" };
    format!(
        "at rest: {} KiB and {} descriptors before, {} KiB ({percent:+.1} %) and {} descriptors after; at most +20 % and no \
         more descriptors: {verdict}",
        before.resident, before.descriptors, after.resident, after.descriptors
    )
}

//! What was built, and whether anything that goes into it has changed since.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// Something that a command builds. Contents are compared, not times, so that a change of branch and back builds nothing,
/// and so that what was built otherwise is noticed. All paths are relative to the root of the repository.
pub(crate) struct Stamp {
    /// Where it is written down what was built of what.
    pub(crate) file: &'static str,
    /// All that goes into it, apart from the tools.
    pub(crate) inputs: &'static [&'static str],
    /// What is built.
    pub(crate) output: &'static str,
}

impl Stamp {
    /// The output was built of the inputs as they are.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<()> {
        let stamp = workspace.path(self.file);
        fs::create_dir_all(stamp.parent().context(self.file)?)?;
        fs::write(&stamp, self.fingerprint(workspace)?).context(self.file)
    }

    /// Whether the output is what would be built again.
    pub(crate) fn is_current(&self, workspace: &Workspace) -> bool {
        fs::read_to_string(workspace.path(self.file))
            .is_ok_and(|stamp| self.fingerprint(workspace).is_ok_and(|now| now == stamp))
    }

    fn fingerprint(&self, workspace: &Workspace) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        for path in self.inputs.iter().chain([&self.output]) {
            let path = workspace.path(path);
            hash(&path, &mut hasher).with_context(|| path.display().to_string())?;
        }
        Ok(format!("{:016x}\n", hasher.finish()))
    }
}

/// Adds a file, or all files of a folder by name.
fn hash(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    path.hash(hasher);
    if !path.is_dir() {
        return fs::read(path).map(|content| content.hash(hasher));
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    entries.sort();
    entries.iter().try_for_each(|entry| hash(entry, hasher))
}

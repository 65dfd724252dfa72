//! Files with keys: read at the start, and anew where they have changed while the server runs.

use std::{
    fmt, fs, io, mem,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use super::about;

/// The files whose keys a server has.
#[derive(Debug, Default)]
pub(crate) struct KeyFiles(Vec<Watched>);

/// A file that has keys of one kind in it.
pub(super) struct KeyFile<K> {
    path: PathBuf,
    parse: fn(&[u8]) -> Result<K, String>,
    /// What was in it when it was last read, whether it was good or not; none when it could not be.
    seen: Option<Digest>,
}

/// A file, and what takes its keys when they have changed.
struct Watched {
    path: PathBuf,
    look: Box<dyn FnMut() -> io::Result<Looked> + Send>,
}

/// What became of a file since it was last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    Changed,
    Unchanged,
}

/// What tells contents apart, without keeping a key.
type Digest = [u8; 32];

impl<K: 'static> KeyFile<K> {
    /// Reads it for the first time.
    pub(super) fn open(path: &Path, parse: fn(&[u8]) -> Result<K, String>) -> io::Result<(Self, K)> {
        let content = read(path)?;
        let keys = parse(&content).map_err(|error| about(path, &error))?;
        let file = Self {
            path: path.to_owned(),
            parse,
            seen: Some(Sha256::digest(&content).into()),
        };
        Ok((file, keys))
    }

    /// What is in it now, if it is something else than when it was last read.
    fn look(&mut self) -> io::Result<Option<K>> {
        let content = read(&self.path);
        let digest = content.as_ref().ok().map(|content| Sha256::digest(content).into());
        if mem::replace(&mut self.seen, digest) == digest {
            return Ok(None);
        }
        let keys = (self.parse)(&content?).map_err(|error| about(&self.path, &error))?;
        Ok(Some(keys))
    }
}

impl KeyFiles {
    /// Has `replace` take the keys of a file whenever they have changed.
    pub(super) fn watch<K: 'static>(&mut self, mut file: KeyFile<K>, replace: impl Fn(K) + Send + 'static) {
        self.0.push(Watched {
            path: file.path.clone(),
            look: Box::new(move || {
                let keys = file.look()?.map(&replace);
                Ok(keys.map_or(Looked::Unchanged, |()| Looked::Changed))
            }),
        });
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks at all of them now, and logs what comes of it. Where one is not good the keys stay as they are, and that is said once.
    pub(crate) async fn look(mut self) -> Self {
        let looking = spawn_blocking(move || {
            for file in &mut self.0 {
                match (file.look)() {
                    Ok(Looked::Changed) => info!(file = %file.path.display(), "the keys are other ones now"),
                    Ok(Looked::Unchanged) => {}
                    Err(error) => warn!(%error, "the keys stay as they are"),
                }
            }
            self
        });
        match looking.await {
            Ok(files) => files,
            Err(error) => {
                warn!(%error, "cannot look for new keys any more");
                Self::default()
            }
        }
    }
}

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| about(path, &error))
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl KeyFiles {
        /// One file, any content of which is good.
        pub(crate) fn of(path: &Path, content: &str, replace: impl Fn(Vec<u8>) + Send + 'static) -> Self {
            fs::write(path, content).expect("a file");
            let (file, _) = KeyFile::open(path, |content| Ok(content.to_vec())).expect("a good file");
            let mut files = Self::default();
            files.watch(file, replace);
            files
        }
    }

    #[test]
    fn a_file_is_read_anew_where_it_has_changed_and_what_is_wrong_is_told_once() {
        let path = std::env::temp_dir().join(format!("tidewire-key-file-{}", std::process::id()));
        fs::write(&path, "one").expect("a file");
        let parse = |content: &[u8]| match content {
            b"bad" => Err("bad".to_owned()),
            good => Ok(good.to_vec()),
        };
        let (mut file, first) = KeyFile::open(&path, parse).expect("a good file");
        assert_eq!(first, b"one");
        assert!(matches!(file.look(), Ok(None)));

        fs::write(&path, "two").expect("a file");
        assert!(matches!(file.look(), Ok(Some(keys)) if keys == b"two"));
        assert!(matches!(file.look(), Ok(None)));

        fs::write(&path, "bad").expect("a file");
        let error = file.look().expect_err("a bad file").to_string();
        assert_eq!(error, format!("{}: bad", path.display()));
        assert!(matches!(file.look(), Ok(None)));

        fs::remove_file(&path).expect("a file");
        assert!(file.look().is_err());
        assert!(matches!(file.look(), Ok(None)));

        fs::write(&path, "two").expect("a file");
        assert!(matches!(file.look(), Ok(Some(keys)) if keys == b"two"));
        fs::remove_file(&path).expect("a file");
    }
}

//! The inputs that fuzzing begins with: the examples of the document, as files in `fuzz/seeds`.

use std::{collections::BTreeMap, env, fs, path::Path};

/// The folder of a fuzz target's seeds, and who sends them.
const TARGETS: [(&str, &str); 2] = [("decode_client", "the client"), ("decode_server", "the server")];

/// `TIDEWIRE_WRITE_SEEDS=1 cargo test -p tidewire-protocol --test behaviour seeds` writes them anew.
#[test]
#[expect(clippy::disallowed_methods)] // a test may read and write files
fn the_seeds_of_the_fuzz_targets_are_the_examples_of_the_document() {
    let examples = crate::documented::examples();
    for (target, sender) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
        let parts = [format!("Frames of {sender}"), "Frames of both".to_owned()];
        let examples = examples
            .iter()
            .filter(|example| parts.iter().any(|part| part == example.part));
        let expected: BTreeMap<String, Vec<u8>> = examples
            .map(|example| (example.name.replace(' ', "_"), example.bytes.clone()))
            .collect();
        if env::var_os("TIDEWIRE_WRITE_SEEDS").is_some() {
            write(&folder, &expected);
        }
        assert!(read(&folder) == expected, "{} is not as documented", folder.display());
    }
}

#[expect(clippy::disallowed_methods)] // a test may read and write files
fn read(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file"));
    files
        .map(|file| {
            let name = file.file_name().into_string().expect("a name");
            (name, fs::read(file.path()).expect("its bytes"))
        })
        .collect()
}

#[expect(clippy::disallowed_methods)] // a test may read and write files
fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder");
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).expect("a file");
    }
}

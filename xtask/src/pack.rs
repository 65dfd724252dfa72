//! `cargo xtask pack`: the npm package `tidewire`.
//!
//! wasm-pack builds the crate `tidewire-client` with its JavaScript surface, wasm-opt makes it smaller, and the
//! package.json beside this crate replaces wasm-pack's own, which has no `exports`. The package's classes are JavaScript
//! beside that surface; with the glue they become one small file, as a bundler would make it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::progress::Progress;
use crate::rename::Names;
use crate::sizes::{self, Sizes};
use crate::snip::snip;
use crate::stamp::Stamp;
use crate::task::Task;
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// What packing needs.
pub(crate) const TOOLS: &[Tool] = &[
    Tool::WasmTarget,
    Tool::Cargo(CargoTool::WasmPack),
    Tool::Cargo(CargoTool::WasmBindgen),
    Tool::NodeModules,
];

/// The package, and all that goes into it, apart from the tools: those are pinned by two of these files and by `tools`.
pub(crate) const STAMP: Stamp = Stamp {
    file: "target/xtask/pack.stamp",
    inputs: &[
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "package-lock.json",
        "client/Cargo.toml",
        "client/README.md",
        "client/src",
        "protocol/Cargo.toml",
        "protocol/src",
        "xtask/npm",
        "xtask/src/pack.rs",
        "xtask/src/rename.rs",
        "xtask/src/snip.rs",
        "xtask/src/blank.rs",
    ],
    output: FOLDER,
};

/// Builds the package, prints its sizes, and fails when it is over [`BAR`].
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, TOOLS)?;
    let mut task = Task {
        workspace,
        progress: Progress::begin(1, 1, "npm package (wasm-pack)", false),
    };
    let packed = build(&mut task, &toolbox)?;
    task.progress.end("done");
    println!("\n{}\n{}", packed.tarball.display(), packed.table());
    packed.check_bar()?;
    Ok(ExitCode::SUCCESS)
}

/// A finished package.
pub(crate) struct Packed {
    pub(crate) tarball: PathBuf,
    wasm: Sizes,
    script: Sizes,
}

impl Packed {
    /// The sizes in bytes, as a table.
    pub(crate) fn table(&self) -> String {
        let total = self.wasm.plus(self.script);
        sizes::table(&[(WASM, self.wasm), (SCRIPT, self.script), ("total", total)], BAR)
    }

    /// Fails when wasm and JavaScript together are too big.
    pub(crate) fn check_bar(&self) -> Result<()> {
        let total = self.wasm.plus(self.script).gzip;
        ensure!(
            total <= BAR,
            "the package is too big: {total} bytes with gzip, at most {BAR} are allowed"
        );
        Ok(())
    }
}

/// Builds the package and its tarball under `target/npm`.
pub(crate) fn build(task: &mut Task<'_>, toolbox: &Toolbox) -> Result<Packed> {
    let folder = fresh_folder(task.workspace, FOLDER)?;
    let stage = fresh_folder(task.workspace, "target/npm/stage")?;
    task.run(toolbox.equip(wasm_pack(task.workspace, &stage)))?;
    let wasm = stage.join(WASM);
    let (module, _) = snip(&fs::read(&wasm)?)?;
    fs::write(&wasm, module)?;
    let mut command = wasm_opt(&wasm, &folder.join(WASM));
    command.args(["--strip-debug", "--strip-producers"]);
    command.arg("--minify-imports-and-exports-and-modules");
    let names = Names::read(&task.read(toolbox.equip(command))?)?;
    let glue = stage.join("tidewire.js");
    fs::write(&glue, names.shorten_glue(&fs::read_to_string(&glue)?)?)?;
    let types = fs::read_to_string(stage.join("tidewire.d.ts")).context("tidewire.d.ts")?;
    fs::write(folder.join("tidewire.d.ts"), names.shorten_types(&types))?;
    complete(task.workspace, &stage, &folder)?;
    let mut bundle = Command::new("node");
    bundle.arg(task.workspace.path("xtask/npm/bundle.mjs"));
    bundle.args([stage.join("index.js"), folder.join(SCRIPT)]);
    task.run(toolbox.equip(bundle))?;
    let version = task.workspace.package_version(CRATE)?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--ignore-scripts", "--pack-destination", ".."])
        .current_dir(&folder);
    task.run(toolbox.equip(pack))?;
    STAMP.write(task.workspace)?;
    Ok(Packed {
        tarball: task.workspace.path(&format!("target/npm/tidewire-{version}.tgz")),
        wasm: Sizes::of(&fs::read(folder.join(WASM))?)?,
        script: Sizes::of(&fs::read(folder.join(SCRIPT))?)?,
    })
}

fn wasm_pack(workspace: &Workspace, folder: &Path) -> Command {
    let mut command = Command::new("wasm-pack");
    // `no-install`: the right wasm-bindgen is on PATH already. `no-opt`: wasm-opt comes from npm, with our own options.
    command.args([
        "build",
        "--mode",
        "no-install",
        "--no-opt",
        "--no-gitignore",
        "--target",
        "web",
    ]);
    command
        .args(["--profile", "wasm", "--out-name", "tidewire", "--out-dir"])
        .arg(folder);
    command
        .arg(workspace.path("client"))
        .args(["--features", "js"])
        .env("RUSTFLAGS", workspace.without_paths())
        .current_dir(&workspace.root);
    command
}

/// wasm-opt for the smallest result. Rust emits both features for every wasm32 target, and the stripped module no longer
/// says so.
pub(crate) fn wasm_opt(from: &Path, to: &Path) -> Command {
    let mut command = Command::new("wasm-opt");
    command.args([
        "-Oz",
        "--converge",
        "--enable-bulk-memory",
        "--enable-nontrapping-float-to-int",
    ]);
    // A function that is called once is inlined where that makes the module shorter; with gzip, most stay smaller by
    // themselves. Below 1024 there is only the end of the stack, so a small offset can be added in the load itself.
    command.args(["--one-caller-inline-max-function-size=50", "--low-memory-unused"]);
    // Functions that are called often get the short numbers.
    command.arg("--reorder-functions").arg(from).arg("-o").arg(to);
    command
}

fn fresh_folder(workspace: &Workspace, path: &'static str) -> Result<PathBuf> {
    let folder = workspace.path(path);
    if folder.exists() {
        fs::remove_dir_all(&folder).context(path)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Puts our scripts beside the glue, and into the package what is not made: types, package.json, README and licences.
fn complete(workspace: &Workspace, stage: &Path, folder: &Path) -> Result<()> {
    let template = fs::read(workspace.path("xtask/npm/package.json")).context("xtask/npm/package.json")?;
    let mut manifest: Value = serde_json::from_slice(&template).context("xtask/npm/package.json")?;
    manifest["version"] = workspace.package_version(CRATE)?.into();
    fs::write(
        folder.join("package.json"),
        serde_json::to_string_pretty(&manifest)? + "\n",
    )?;
    for name in SCRIPTS {
        let from = format!("client/src/js/{name}");
        fs::copy(workspace.path(&from), stage.join(name)).context(from)?;
    }
    for name in TYPES {
        let from = format!("client/src/js/{name}");
        fs::copy(workspace.path(&from), folder.join(name)).context(from)?;
    }
    for (from, to) in [
        ("client/README.md", "README.md"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("LICENSE-MIT", "LICENSE-MIT"),
    ] {
        fs::copy(workspace.path(from), folder.join(to)).context(from)?;
    }
    Ok(())
}

const CRATE: &str = "tidewire-client";
/// Where the package is built.
pub(crate) const FOLDER: &str = "target/npm/tidewire";
const WASM: &str = "tidewire_bg.wasm";
/// The file that the scripts and the glue become.
const SCRIPT: &str = "index.js";
/// Our own scripts.
const SCRIPTS: &[&str] = &[
    "index.js",
    "batch.js",
    "client.js",
    "core.js",
    "error.js",
    "host.js",
    "life.js",
    "link.js",
    "load.js",
    "remembered.js",
    "socket.js",
    "store.js",
    "subscription.js",
    "text.js",
];
/// Types of our own scripts, beside those that wasm-bindgen writes for the glue.
const TYPES: &[&str] = &["index.d.ts", "client.d.ts", "socket.d.ts"];
/// The most that wasm and JavaScript may weigh together, in bytes with gzip.
const BAR: usize = 30_000;

//! `cargo xtask test`: the table of its steps.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::browser_tests::{self, WASM_RUNNER, WASM_TARGET};
use crate::counts::Runner;
use crate::steps::{self, Run, Step};
use crate::tools::{CargoTool, Tool};
use crate::workspace::Workspace;
use crate::{bench, pack, page, size};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only these steps and what they need; all when none is named
    steps: Vec<String>,
    /// Name the steps and end
    #[arg(long)]
    list: bool,
    /// Show all that the steps print
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the steps, all of them even if one fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    if args.list {
        STEPS
            .iter()
            .for_each(|step| println!("{:<14} {}", step.name, step.title));
        return Ok(ExitCode::SUCCESS);
    }
    let passed = steps::run(workspace, &steps::select(STEPS, &args.steps)?, args.verbose)?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

static STEPS: &[Step] = &[
    Step {
        name: "format",
        title: "formatting (cargo fmt)",
        needs: &[],
        tools: &[Tool::Lints],
        run: |run| run.check(run.task.workspace.cargo(&["fmt", "--all", "--check"])),
    },
    Step {
        name: "clippy",
        title: "clippy, native",
        needs: &[],
        tools: &[Tool::Lints],
        run: |run| clippy(run, &["--workspace", "--all-targets"]),
    },
    Step {
        name: "clippy-wasm",
        title: "clippy, wasm32",
        needs: &[],
        tools: &[Tool::Lints, Tool::WasmTarget],
        run: |run| {
            let packages = WASM_PACKAGES.iter().flat_map(|name| ["--package", name]);
            let args: Vec<_> = packages.chain(["--all-targets", "--target", WASM_TARGET]).collect();
            clippy(run, &args)
        },
    },
    Step {
        name: "fuzz",
        title: "clippy, fuzz targets",
        needs: &[],
        tools: &[Tool::Lints],
        run: |run| {
            let mut command = run
                .task
                .workspace
                .cargo(&["clippy", "--manifest-path", "fuzz/Cargo.toml"]);
            command.args(["--locked", "--", "-D", "warnings"]);
            // Nothing is linked, so libFuzzer need not be there, nor be compiled.
            command.env("CUSTOM_LIBFUZZER_PATH", "/nonexistent/libfuzzer.a");
            run.check(command)
        },
    },
    Step {
        name: "features",
        title: "each cargo feature alone (clippy)",
        needs: &[],
        tools: &[Tool::Lints, Tool::WasmTarget],
        run: each_feature,
    },
    Step {
        name: "docs",
        title: "documentation (cargo doc)",
        needs: &[],
        tools: &[],
        run: |run| {
            let mut command = run
                .task
                .workspace
                .cargo(&["doc", "--workspace", "--no-deps", "--all-features"]);
            command.env("RUSTDOCFLAGS", "-D warnings");
            run.check(command)
        },
    },
    Step {
        name: "rust",
        title: "tests of all crates (cargo test)",
        needs: &[],
        tools: &[],
        run: |run| {
            let command = run.task.workspace.cargo(&["test", "--workspace", "--no-fail-fast"]);
            run.tests(Runner::Cargo, command).map(drop)
        },
    },
    Step {
        name: "protocol-wasm",
        title: "protocol compiled to wasm32, in Node (wasm-bindgen-test)",
        needs: &[],
        tools: &[Tool::WasmTarget, Tool::Cargo(CargoTool::WasmBindgen)],
        run: protocol_in_wasm,
    },
    Step {
        name: "browser",
        title: "client in Chromium: page, worker and Yew (wasm-bindgen-test)",
        needs: &[],
        tools: browser_tests::TOOLS,
        run: in_browser,
    },
    Step {
        name: "server",
        title: "server, with its assertions (cargo build)",
        needs: &[],
        tools: &[],
        run: |run| run.check(run.task.workspace.cargo(&["build", "--package", "tidewire-server"])),
    },
    Step {
        name: "deploy",
        title: "behind nginx and Caddy, by docs/deploy",
        needs: &[],
        tools: &[Tool::Proxies],
        run: |run| {
            let args = [
                "test",
                "--package",
                "tidewire-tests",
                "--features",
                "deploy",
                "--test",
                "deploy",
            ];
            let command = run.task.workspace.cargo(&args);
            run.tests(Runner::Cargo, command).map(drop)
        },
    },
    Step {
        name: "conformance",
        title: "RFC 6455 conformance (Autobahn)",
        needs: &["server"],
        tools: &[],
        run: conformance,
    },
    Step {
        name: "abuse",
        title: "bad peers, at every path (tests/abuse)",
        needs: &["server"],
        tools: &[],
        run: abuse,
    },
    Step {
        name: "www",
        title: "page, for release (trunk build)",
        needs: &[],
        tools: page::TOOLS,
        run: |run| page::build(&mut run.task, run.toolbox),
    },
    Step {
        name: "page",
        title: "page in Chromium",
        needs: &["server", "www"],
        tools: &[
            Tool::NodeModules,
            Tool::Browser,
            Tool::Cargo(CargoTool::Trunk),
            Tool::Cargo(CargoTool::WasmBindgen),
        ],
        run: |run| node_tests(run, "tests/page"),
    },
    Step {
        name: "pack",
        title: "npm package (wasm-pack), within its size",
        needs: &[],
        tools: pack::TOOLS,
        run: |run| {
            let packed = pack::build(&mut run.task, run.toolbox)?;
            run.task.progress.print(&packed.table());
            packed.check_bar()
        },
    },
    Step {
        name: "size",
        title: "client's machine in wasm, within its size",
        needs: &[],
        tools: size::TOOLS,
        run: |run| {
            let weighed = size::weigh(&mut run.task, run.toolbox)?;
            run.task.progress.print(&weighed.table());
            weighed.check()
        },
    },
    Step {
        name: "package",
        title: "npm package in a TypeScript project, in Chromium",
        needs: &["server", "pack"],
        tools: &[Tool::NodeModules, Tool::Browser],
        run: |run| node_tests(run, "tests/package"),
    },
    Step {
        name: "life",
        title: "page's life with the npm package, in Chromium",
        needs: &["server", "pack"],
        tools: &[Tool::NodeModules, Tool::Browser],
        run: |run| node_tests(run, "tests/life"),
    },
    Step {
        name: "bench",
        title: "a small burst in a page (bench browser)",
        needs: &["server", "pack"],
        tools: &[Tool::NodeModules, Tool::Browser],
        run: small_burst,
    },
    Step {
        name: "interop",
        title: "plain WebSocket clients, in Node and Chromium",
        needs: &["server"],
        tools: &[Tool::NodeModules, Tool::Browser],
        run: |run| node_tests(run, "tests/interop"),
    },
];

fn clippy(run: &mut Run<'_>, args: &[&str]) -> Result<()> {
    let mut command = run.task.workspace.cargo(&["clippy"]);
    command.args(args).args(["--", "-D", "warnings"]);
    run.check(command)
}

fn each_feature(run: &mut Run<'_>) -> Result<()> {
    let workspace = run.task.workspace;
    for package in &workspace.packages {
        for feature in &package.features {
            let args = [
                "--package",
                &package.name,
                "--no-default-features",
                "--features",
                feature,
            ];
            clippy(run, &[&args[..], &["--all-targets"]].concat())?;
            if WASM_PACKAGES.contains(&package.name.as_str()) {
                // The module of the npm package has nothing that its tests in Rust could use.
                let targets = if feature == "js" { "--lib" } else { "--all-targets" };
                clippy(run, &[&args[..], &[targets, "--target", WASM_TARGET]].concat())?;
            }
        }
    }
    Ok(())
}

fn protocol_in_wasm(run: &mut Run<'_>) -> Result<()> {
    let args = [
        "test",
        "--package",
        "tidewire-protocol",
        "--target",
        WASM_TARGET,
        "--lib",
        "--tests",
        "--no-fail-fast",
    ];
    let mut command = run.task.workspace.cargo(&args);
    command.env(WASM_RUNNER, "wasm-bindgen-test-runner");
    run.tests(Runner::Cargo, command).map(drop)
}

fn in_browser(run: &mut Run<'_>) -> Result<()> {
    let (command, _fixture) = browser_tests::prepare(&mut run.task, run.toolbox, &["--tests"])?;
    let output = run.tests(Runner::Cargo, command)?;
    run.task.progress.print(browser_tests::chaos_line(&output)?);
    Ok(())
}

/// Measures nothing worth knowing: it is there so that it goes on working.
fn small_burst(run: &mut Run<'_>) -> Result<()> {
    let workspace = run.task.workspace;
    run.check(workspace.cargo(&["build", "--package", "tidewire-bench"]))?;
    let mut command = Command::new(workspace.binary("debug", "tidewire-bench"));
    command.args(["--peers", "tidewire-ws,socketio,ws", "--limit", "60"]);
    command.args(["browser", "--messages", "200", "--rounds", "2"]);
    bench::equip(&mut command, workspace, run.toolbox)?;
    run.check(command)
}

fn conformance(run: &mut Run<'_>) -> Result<()> {
    let workspace = run.task.workspace;
    let mut command = Command::new("python3");
    command.arg(workspace.path("tests/conformance/run.py"));
    command.arg("--server").arg(workspace.binary("debug", "tidewire"));
    command
        .arg("--out")
        .arg(workspace.path("target/conformance"))
        .current_dir(&workspace.root);
    run.tests(Runner::Plain, command).map(drop)
}

fn abuse(run: &mut Run<'_>) -> Result<()> {
    let workspace = run.task.workspace;
    run.check(workspace.cargo(&["build", "--package", "tidewire-abuse"]))?;
    let mut command = Command::new(workspace.binary("debug", "tidewire-abuse"));
    command.arg("--server").arg(workspace.binary("debug", "tidewire"));
    command.args(["--short", "--max-message-bytes", "131072"]);
    let output = run.tests(Runner::Plain, command)?;
    // What the server has at rest, before and after.
    let rest = output.lines().find(|line| line.starts_with("at rest: "));
    run.task.progress.print(rest.unwrap_or_default());
    Ok(())
}

/// Runs every `*.test.mjs` of a folder with Node's own runner. Screenshots go to `$TIDEWIRE_ARTIFACTS`, by default
/// `target/artifacts`.
fn node_tests(run: &mut Run<'_>, folder: &str) -> Result<()> {
    let workspace = run.task.workspace;
    let mut files = Vec::new();
    for entry in fs::read_dir(workspace.path(folder)).context("cannot read the folder of the tests")? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    ensure!(!files.is_empty(), "{folder} has no *.test.mjs");
    files.sort();
    let mut command = Command::new("node");
    command
        .args(["--test", "--test-reporter=spec", "--test-timeout=180000"])
        .args(files)
        .current_dir(&workspace.root);
    command.env("TIDEWIRE_SERVER", workspace.binary("debug", "tidewire"));
    command.env("TIDEWIRE_CHROMIUM", &run.toolbox.browser()?.program);
    run.tests(Runner::Node, command).map(drop)
}

/// The crates that go into a browser.
const WASM_PACKAGES: &[&str] = &[
    "tidewire-protocol",
    "tidewire-size",
    "tidewire-client",
    "tidewire-behaviours",
    "tidewire-chaos",
    "tidewire-www",
];

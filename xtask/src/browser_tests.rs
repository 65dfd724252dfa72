//! The client's tests in Chromium, and the server that they talk to.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::fixture::Fixture;
use crate::task::Task;
use crate::tools::{CargoTool, Tool, Toolbox};

/// What they need.
pub(crate) const TOOLS: &[Tool] = &[Tool::WasmTarget, Tool::Cargo(CargoTool::WasmBindgen), Tool::Browser];

/// The command that runs them, and their server, which is to live as long. `chosen` are the arguments with which
/// `cargo test` chooses tests.
pub(crate) fn prepare(task: &mut Task<'_>, toolbox: &Toolbox, chosen: &[&str]) -> Result<(Command, Fixture)> {
    let workspace = task.workspace;
    task.run(toolbox.equip(workspace.cargo(&["build", "--package", "tidewire-tests", "--bin", "fixture"])))?;
    let browser = toolbox.browser()?;
    let capabilities = workspace.path("target/xtask/webdriver.json");
    fs::create_dir_all(workspace.path("target/xtask"))?;
    fs::write(&capabilities, browser.capabilities())?;
    let fixture = Fixture::start(workspace)?;
    let mut command = toolbox.equip(workspace.cargo(&["test", "--package", "tidewire-client", "--features", "yew"]));
    command.args(["--target", WASM_TARGET, "--no-fail-fast"]).args(chosen);
    // So that what a passed test says is seen.
    command.args(["--", "--nocapture"]);
    command
        .env(WASM_RUNNER, "wasm-bindgen-test-runner")
        .env("CHROMEDRIVER", &browser.driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180")
        .env("TIDEWIRE_FIXTURE", &fixture.url)
        .env("TIDEWIRE_REFUSED", &fixture.refused);
    Ok((command, fixture))
}

/// The line in which the chaos test says what it went through.
pub(crate) fn chaos_line(output: &str) -> Result<&str> {
    let mut lines = output.lines().map(str::trim);
    lines
        .find(|line| line.starts_with("chaos in a browser, "))
        .context("the chaos test did not say what it went through")
}

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// Names the program that runs what was built for it.
pub(crate) const WASM_RUNNER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER";

//! `cargo xtask size`: what the client's machine adds to a wasm module.
//!
//! `protocol/size` is built with and without the machine, as the npm package is, without the words of panics too, and the
//! difference is what counts. What turns values into text is looked for as well: it is large, and the machine has no need of it.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{KnownCustom, Name, Parser, Payload};

use crate::pack::wasm_opt;
use crate::progress::Progress;
use crate::sizes::{self, Sizes};
use crate::snip::snip;
use crate::task::Task;
use crate::tools::{CargoTool, Tool, Toolbox};
use crate::workspace::Workspace;

/// What weighing needs.
pub(crate) const TOOLS: &[Tool] = &[Tool::WasmTarget, Tool::Cargo(CargoTool::WasmBindgen), Tool::NodeModules];

/// Options of `cargo xtask size`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name so many of the largest functions
    #[arg(long, default_value_t = 0)]
    functions: usize,
}

/// Prints what the machine adds, and fails when that is over [`BAR`] or when it brings code that makes text of values.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let toolbox = Toolbox::ensure(workspace, TOOLS)?;
    let mut task = Task {
        workspace,
        progress: Progress::begin(1, 1, "the client's machine in wasm", false),
    };
    let weighed = weigh(&mut task, &toolbox)?;
    task.progress.end("done");
    println!("\n{}", weighed.table());
    for function in weighed.functions.iter().take(args.functions) {
        println!("{:>8} {}", function.bytes, function.name);
    }
    weighed.check()?;
    Ok(ExitCode::SUCCESS)
}

/// The module with the machine, and the one without.
pub(crate) struct Weighed {
    with: Sizes,
    without: Sizes,
    /// Those of the module with the machine, the largest first.
    functions: Vec<Function>,
}

struct Function {
    name: String,
    bytes: usize,
}

impl Weighed {
    /// The sizes in bytes, as a table.
    pub(crate) fn table(&self) -> String {
        let rows = [
            ("with the machine", self.with),
            ("without", self.without),
            ("the machine adds", self.with.minus(self.without)),
        ];
        sizes::table(&rows, BAR)
    }

    /// Fails when the machine is too big, or brings what makes text of values.
    pub(crate) fn check(&self) -> Result<()> {
        let text: Vec<_> = self
            .functions
            .iter()
            .filter(|function| UNWANTED.iter().any(|part| function.name.contains(part)))
            .map(|function| format!("{} ({} bytes)", function.name, function.bytes))
            .collect();
        ensure!(
            text.is_empty(),
            "the machine brings what makes text of values:\n{}",
            text.join("\n")
        );
        let added = self.with.minus(self.without).gzip;
        ensure!(
            added <= BAR,
            "the machine is too big: it adds {added} bytes with gzip, at most {BAR} are allowed"
        );
        Ok(())
    }
}

/// Builds both modules.
pub(crate) fn weigh(task: &mut Task<'_>, toolbox: &Toolbox) -> Result<Weighed> {
    let without = build(task, toolbox, "without", &[])?;
    let with = build(task, toolbox, "with", &["--features", "machine"])?;
    Ok(Weighed {
        with: with.sizes,
        without: without.sizes,
        functions: with.functions,
    })
}

struct Module {
    sizes: Sizes,
    functions: Vec<Function>,
}

fn build(task: &mut Task<'_>, toolbox: &Toolbox, name: &str, features: &[&str]) -> Result<Module> {
    let workspace = task.workspace;
    let target = workspace.path("target/size/cargo");
    let mut command = workspace.cargo(&[
        "build",
        "--package",
        "tidewire-size",
        "--target",
        WASM,
        "--profile",
        "wasm",
    ]);
    command.args(features).arg("--target-dir").arg(&target);
    command.env("RUSTFLAGS", workspace.without_paths());
    task.run(toolbox.equip(command))?;
    let folder = workspace.path("target/size").join(name);
    let mut command = Command::new("wasm-bindgen");
    command.args([
        "--target",
        "web",
        "--no-typescript",
        "--out-name",
        "module",
        "--out-dir",
    ]);
    command
        .arg(&folder)
        .arg(target.join(WASM).join("wasm/tidewire_size.wasm"));
    task.run(toolbox.equip(command))?;
    let module = folder.join("module_bg.wasm");
    let (named, small) = (folder.join("named.wasm"), folder.join("small.wasm"));
    let mut command = wasm_opt(&module, &named);
    command.arg("--debuginfo");
    task.run(toolbox.equip(command))?;
    let snipped = folder.join("snipped.wasm");
    fs::write(&snipped, snip(&fs::read(&module)?)?.0)?;
    let mut command = wasm_opt(&snipped, &small);
    command.args(["--strip-debug", "--strip-producers"]);
    task.run(toolbox.equip(command))?;
    Ok(Module {
        sizes: Sizes::of(&fs::read(small)?)?,
        functions: functions(&fs::read(named)?).context("the module's names")?,
    })
}

/// The functions that a module defines, by its name section; the largest first.
fn functions(module: &[u8]) -> Result<Vec<Function>> {
    let (mut imports, mut bodies, mut names) = (0, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imports += usize::from(matches!(import?.ty, wasmparser::TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes().len()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(reader) = section.as_known() {
                    for subsection in reader {
                        if let Name::Function(map) = subsection? {
                            names = map.into_iter().collect::<Result<Vec<_>, _>>()?;
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let mut functions = Vec::new();
    for naming in names {
        let Some(index) = (naming.index as usize).checked_sub(imports) else {
            continue;
        };
        let Some(&bytes) = bodies.get(index) else {
            bail!("a name of no function")
        };
        functions.push(Function {
            name: naming.name.to_owned(),
            bytes,
        });
    }
    functions.sort_by_key(|function| std::cmp::Reverse(function.bytes));
    Ok(functions)
}

const WASM: &str = "wasm32-unknown-unknown";
/// The most that the machine may add, in bytes with gzip.
const BAR: usize = 12_000;
/// Parts of the names of functions that make text of values.
const UNWANTED: &[&str] = &[
    "serde_json",
    "fmt::num",
    "fmt::float",
    "flt2dec",
    "fmt::builders",
    "fmt::format",
    "fmt::write",
    "Formatter",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(gzip: usize, name: &str) -> Weighed {
        Weighed {
            with: Sizes {
                gzip,
                ..Sizes::default()
            },
            without: Sizes {
                gzip: 1000,
                ..Sizes::default()
            },
            functions: vec![Function {
                name: name.to_owned(),
                bytes: 7,
            }],
        }
    }

    #[test]
    fn one_byte_too_many_fails_and_so_does_what_makes_text_of_values() {
        assert!(weighed(1000 + BAR, "tidewire_protocol::decode").check().is_ok());
        assert!(weighed(1001 + BAR, "tidewire_protocol::decode").check().is_err());
        assert!(
            weighed(1000, "core::fmt::num::imp::<impl core::fmt::Display for u64>::fmt")
                .check()
                .is_err()
        );
        assert!(weighed(1000, "serde_json::value::from_value").check().is_err());
    }

    #[test]
    fn functions_have_the_names_and_lengths_that_the_module_tells() {
        // A type, a function of two bytes beside its length, and a name section that calls it `f`.
        let header = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
        let names = b"\0\x0b\x04name\x01\x04\x01\0\x01f";
        let found = functions(&[&header[..], names].concat()).unwrap();
        assert_eq!(
            found.iter().map(|it| (it.name.as_str(), it.bytes)).collect::<Vec<_>>(),
            [("f", 2)]
        );
    }
}

//! Short names for what a wasm module and its glue have of one another.
//!
//! wasm-bindgen's names are long, and each has a hash, which no compression makes shorter; they are in the module, in the glue and
//! in its types. wasm-opt shortens those in the module and says how. Here the glue and the types follow.

use anyhow::{Context, Result};
use serde::Deserialize;

/// What wasm-opt prints when it has shortened names.
#[derive(Deserialize)]
pub(crate) struct Names {
    /// Module, name, short name. All modules become one, which is called `a`.
    imports: Vec<(String, String, String)>,
    /// Name, short name.
    exports: Vec<(String, String)>,
}

impl Names {
    /// Reads them from what wasm-opt printed.
    pub(crate) fn read(printed: &str) -> Result<Self> {
        let start = printed.find('{').context("wasm-opt printed no names")?;
        let mut values = serde_json::Deserializer::from_str(&printed[start..]).into_iter();
        Ok(values.next().context("wasm-opt printed no names")??)
    }

    /// The glue, by the short names.
    pub(crate) fn shorten_glue(&self, glue: &str) -> Result<String> {
        let mut glue = glue.to_owned();
        for (module, name, short) in &self.imports {
            replace(&mut glue, &format!(" {name}: function"), &format!(" {short}: function"))
                .with_context(|| format!("{name} of {module} is not in the glue"))?;
        }
        for (name, short) in &self.exports {
            // Not all that is exported is used.
            let _ = replace(&mut glue, &format!("wasm.{name}"), &format!("wasm.{short}"));
        }
        replace(&mut glue, "\"./tidewire_bg.js\":", "a:").context("the glue has no imports")?;
        Ok(glue)
    }

    /// The types of what the module exports, by the short names.
    pub(crate) fn shorten_types(&self, types: &str) -> String {
        let mut types = types.to_owned();
        for (name, short) in &self.exports {
            let _ = replace(&mut types, &format!("readonly {name}:"), &format!("readonly {short}:"));
        }
        types
    }
}

/// Nothing where it is not there. What is longer and only begins with it is not it.
fn replace(text: &mut String, from: &str, to: &str) -> Option<()> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut parts = text.split(from);
    let mut replaced = parts.next()?.to_owned();
    let mut count = 0;
    for part in parts {
        let goes_on = from.ends_with(is_word) && part.starts_with(is_word);
        replaced.push_str(if goes_on { from } else { to });
        replaced.push_str(part);
        count += usize::from(!goes_on);
    }
    *text = replaced;
    (count > 0).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = r#"{"imports": [["./tidewire_bg.js", "__wbg_now_b2", "a"]],
        "exports": [["session_open", "A"], ["session", "B"], ["unused", "C"]]}
        a warning"#;
    const GLUE: &str =
        "{ __wbg_now_b2: function() {} } \"./tidewire_bg.js\": import0; wasm.session_open(session_open, wasm.session)";

    #[test]
    fn the_glue_follows_the_module() {
        let names = Names::read(PRINTED).unwrap();
        let glue = names.shorten_glue(GLUE).unwrap();
        assert_eq!(glue, "{ a: function() {} } a: import0; wasm.A(session_open, wasm.B)");
        assert_eq!(names.shorten_types("readonly session: number"), "readonly B: number");
    }

    #[test]
    fn what_the_glue_does_not_have_is_an_error() {
        let names = Names::read(PRINTED).unwrap();
        assert!(names.shorten_glue("wasm.session_open()").is_err());
        assert!(Names::read("nothing").is_err());
    }
}

//! Configurations: the YAML, the keys, and the expressions in it.

use hookgate::config::Config;

pub(super) fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    // A file would be read, and a device never ends.
    if text.contains("_file") || text.contains("/dev") {
        return;
    }
    let variable = |name: &str| (name == "SECRET").then(|| "a secret of the environment".to_owned());
    let told = |text: &str| match Config::parse("fuzz.yaml", text, &variable) {
        Ok(loaded) => {
            assert_eq!(loaded.warnings.errors(), 0);
            Ok(loaded.config.sources.len())
        }
        Err(problems) => {
            assert!(problems.errors() > 0, "a refusal says why");
            Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
    };
    assert_eq!(told(text), told(text), "the same text, the same answer");
}

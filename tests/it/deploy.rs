//! What is shipped agrees with the program: ports, paths, settings.

use std::fs;
use std::path::Path;

use crate::support::gateway::hookgate;

fn shipped(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The block scalar under a key: the lines that are indented deeper than it, without that indentation.
fn block(yaml: &str, key: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = yaml.lines().skip_while(|line| !line.trim_start().starts_with(&format!("{key}: |")));
    let outer = lines.next().map_or_else(|| panic!("no {key}"), indent);
    let inside = lines.take_while(|line| line.is_empty() || indent(line) > outer);
    inside.map(|line| line.get(outer + 2..).unwrap_or_default().to_owned() + "\n").collect()
}

/// The value of the first line `key: value`, wherever it stands.
fn value(yaml: &str, key: &str) -> String {
    let prefix = format!("{key}: ");
    let found = yaml.lines().find_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix(&prefix));
    found.unwrap_or_else(|| panic!("no {key}")).to_owned()
}

#[test]
fn the_configuration_in_the_config_map_is_good() {
    let dir = tempfile::tempdir().expect("a directory");
    let mounted = dir.path().to_str().expect("a name in UTF-8");
    let config = block(&shipped("deploy/kubernetes/configmap.yaml"), "hookgate.yaml");
    // As the volume in statefulset.yaml lays it out.
    fs::create_dir(dir.path().join("secrets")).expect("made");
    fs::write(dir.path().join("secrets/orders"), "a-secret-that-is-long-enough").expect("written");
    fs::write(dir.path().join("secrets/dedupe-hash-key"), "0123456789abcdef".repeat(2)).expect("written");
    let check = |config: &str| {
        let file = dir.path().join("hookgate.yaml");
        fs::write(&file, config.replace("/etc/hookgate", mounted)).expect("written");
        let checked = hookgate().args(["check", "--config"]).arg(file).output().expect("it runs");
        (checked.status.code(), String::from_utf8_lossy(&checked.stdout).into_owned())
    };
    let (code, said) = check(&config);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check(&config.replace("brokers:", "broker:"));
    assert_eq!(code, Some(78), "{said}");
}

#[test]
fn the_manifests_agree_with_the_configuration() {
    let config = block(&shipped("deploy/kubernetes/configmap.yaml"), "hookgate.yaml");
    let stateful_set = shipped("deploy/kubernetes/statefulset.yaml");
    let public = value(&config, "listen").replace("0.0.0.0:", "");
    let admin = value(&config, "admin").replace("0.0.0.0:", "");
    let spool = value(&config, "dir");
    for expected in [
        format!("name: http\n              containerPort: {public}\n"),
        format!("name: admin\n              containerPort: {admin}\n"),
        format!("name: spool\n              mountPath: {spool}\n"),
        "path: /readyz\n              port: admin\n".to_owned(),
        "path: /livez\n              port: admin\n".to_owned(),
        "args: [run, --config, /etc/hookgate/hookgate.yaml]".to_owned(),
    ] {
        assert!(stateful_set.contains(&expected), "statefulset.yaml has no `{expected}`");
    }
    for secret in config.lines().filter_map(|line| line.trim().split_once("_file: /etc/hookgate/")) {
        let (_, path) = secret;
        assert!(stateful_set.contains(&format!("path: {path}\n")), "nothing is mounted at {path}");
    }
    assert!(shipped("deploy/kubernetes/service.yaml").contains(&format!("port: {admin}\n      targetPort: admin\n")));
    let image = shipped("Dockerfile");
    assert!(image.contains(&format!("EXPOSE {public} {admin}\n")) && image.contains(&format!(" {spool}\n")));
}

#[test]
fn the_pod_is_given_longer_to_stop_than_the_gateway_takes() {
    let grace: u64 = value(&shipped("deploy/kubernetes/statefulset.yaml"), "terminationGracePeriodSeconds")
        .parse()
        .expect("seconds");
    let config = block(&shipped("deploy/kubernetes/configmap.yaml"), "hookgate.yaml");
    assert!(!config.contains("shutdown:"), "then this test must read it");
    assert!(grace > 25, "shutdown.timeout is 25s unless set");
}

#[test]
fn image_and_manifests_run_as_the_same_nobody() {
    let stateful_set = shipped("deploy/kubernetes/statefulset.yaml");
    let user = value(&stateful_set, "runAsUser");
    assert_eq!((value(&stateful_set, "runAsGroup"), value(&stateful_set, "fsGroup")), (user.clone(), user.clone()));
    assert!(shipped("Dockerfile").contains(&format!("\nUSER {user}:{user}\n")));
}

#[test]
fn one_version_is_shipped() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(value(&shipped("deploy/kubernetes/statefulset.yaml"), "image"), format!("hookgate:{version}"));
    assert_eq!(value(&shipped("deploy/kubernetes/kustomization.yaml"), "newTag"), version);
}

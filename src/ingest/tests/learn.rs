//! Windows in which a source learns its secret.

use super::*;
use crate::ingest::learn::{LEARNED_MAX, Learner, NotOpened};
use crate::ingest::source::{Handshake, HandshakeAuth, Purpose};
use crate::ingest::{Reject, judge};
use crate::secret::{Secret, read_list, replace_list};
use crate::signature::scheme::Allow;

const MINUTE: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(1);

/// A source that learns what is in `x-hook`, and keeps it in this directory.
fn learning(dir: &std::path::Path) -> Settings {
    let handshake = Handshake {
        purpose: Purpose::Learn,
        methods: vec![Method::POST],
        when: Vec::new(),
        auth: HandshakeAuth::None,
        value: Some(expr("header:x-hook")),
        allow: Allow::Token,
        mac: None,
        reply: plain_reply(""),
    };
    let header = Block::new(Kind::Header { name: http::HeaderName::from_static("x-key"), prefix: Vec::new() });
    Settings {
        demands: Demands { blocks: vec![header], ..Demands::default() },
        handshakes: vec![handshake],
        learned_file: Some(dir.join("a.learned")),
        ..settings("a")
    }
}

fn learner(ground: &Ground, dir: &std::path::Path) -> Arc<Learner> {
    Arc::clone(ground.source(learning(dir)).learner().expect("it learns"))
}

async fn learn(learner: &Arc<Learner>, secret: &str) -> Result<(), Reject> {
    learner.learn(Secret::new(secret)).await
}

fn kept(dir: &std::path::Path) -> Vec<Secret> {
    read_list(&dir.join("a.learned")).expect("a list")
}

#[tokio::test]
async fn of_many_that_come_at_once_only_as_many_are_learned_as_were_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let learner = learner(&Ground::new(), dir.path());
    assert_eq!(learn(&learner, "before any window").await, Err(Reject::Challenge));
    let window = learner.open(MINUTE, 2).expect("open");
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let learner = Arc::clone(&learner);
            tokio::spawn(async move { learn(&learner, &format!("secret-number-{number}")).await.is_ok() })
        })
        .collect();
    let mut taken = 0;
    for task in tasks {
        taken += usize::from(task.await.expect("no panic"));
    }
    assert_eq!((taken, kept(dir.path()).len()), (2, 2));
    drop(window);
}

#[tokio::test]
async fn a_window_ends_by_its_time_and_with_who_opened_it_and_with_no_other() {
    let (ground, dir) = (Ground::new(), tempfile::tempdir().expect("a directory"));
    let learner = learner(&ground, dir.path());
    let window = learner.open(MINUTE, 1).expect("open");
    assert!(matches!(learner.open(MINUTE, 1), Err(NotOpened::Open)));
    ground.clock.advance(MINUTE.saturating_sub(TICK));
    assert!(learner.is_awake() && !window.is_over());
    ground.clock.advance(TICK);
    assert!(!learner.is_awake() && window.is_over());
    assert_eq!(learn(&learner, "too-late").await, Err(Reject::Challenge));
    drop(window);
    let used_up = learner.open(MINUTE, 1).expect("open again");
    assert_eq!(learn(&learner, "in-time").await, Ok(()));
    let other = learner.open(MINUTE, 1).expect("the first is closed by its secret");
    drop(used_up);
    assert!(learner.is_awake(), "whose window it is closes it");
    drop(other);
    assert!(!learner.is_awake());
    assert_eq!(kept(dir.path()), [Secret::new("in-time")]);
}

#[tokio::test]
async fn there_is_room_for_so_many_and_what_no_block_can_use_is_not_kept() {
    let (ground, dir) = (Ground::new(), tempfile::tempdir().expect("a directory"));
    let file = dir.path().join("a.learned");
    let many: Vec<_> = (1..LEARNED_MAX).map(|number| Secret::new(format!("secret-number-{number}"))).collect();
    replace_list(&file, &many).expect("written");
    let of_hex = |mut settings: Settings| {
        settings.demands.blocks[0].secret_format.decode = Some(crate::signature::scheme::Encoding::Hex);
        Arc::clone(ground.source(settings).learner().expect("it learns"))
    };
    let learner = learner(&ground, dir.path());
    assert!(matches!(learner.open(MINUTE, 2), Err(NotOpened::Full { kept: 63, .. })));
    drop(learner.open(MINUTE, 1).expect("one more has room"));
    std::fs::remove_file(&file).expect("removed");
    let hex = of_hex(learning(dir.path()));
    let _window = hex.open(MINUTE, 1).expect("open");
    assert_eq!(learn(&hex, "no-hex").await, Err(Reject::Challenge));
    assert_eq!((kept(dir.path()), hex.is_awake()), (Vec::new(), true));
    assert_eq!(learn(&hex, "00ff00ff00ff00ff00ff00ff00ff00ff").await, Ok(()));
}

#[test]
fn on_trial_nothing_is_kept_and_no_window_is_needed() {
    let (ground, dir) = (Ground::new(), tempfile::tempdir().expect("a directory"));
    let judged = |settings: Settings| {
        let sources = crate::ingest::Sources::new([ground.source(settings)], BODY_MAX_DEFAULT, &ground.metrics);
        let parts = parts("POST", "/in/a", &[("x-hook", "a-secret-of-the-sender")]);
        judge::judge(&sources, parts, Bytes::new(), NOW, &mut ())
    };
    assert!(judged(learning(dir.path())).is_err(), "as the gateway would: no window is open");
    let on_trial = Settings { learned_file: None, ..learning(dir.path()) };
    assert!(matches!(judged(on_trial), Ok(judge::Verdict::Challenge(_))));
    assert!(kept(dir.path()).is_empty());
}

//! Which directory, and a walk over all that is in it.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::cli::CommandError;
use crate::cli::progress::Progress;
use crate::config::{self, Config, Environment};
use crate::spool::inspect::{Inspection, Kept, Report, Segment};

/// A directory, or the configuration that names it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Place {
    /// The spool's directory, or one segment's file; else `spool.dir` of the configuration
    #[arg(value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The configuration; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl Place {
    /// Looks at it; a directory in use is said to be so on `messages`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub(super) fn open(
        &self,
        environment: &dyn Environment,
        messages: &mut dyn Write,
    ) -> Result<Inspection, CommandError> {
        let inspection = look(&self.find(environment)?)?;
        if inspection.is_in_use() {
            let path = inspection.path().display();
            writeln!(messages, "{path}: in use by a running process; figures may be moving")?;
        }
        if inspection.has_lost_its_checkpoint() {
            let path = inspection.path().display();
            writeln!(messages, "{path}: the checkpoint cannot be read; all records count as undelivered")?;
        }
        Ok(inspection)
    }

    fn find(&self, environment: &dyn Environment) -> Result<PathBuf, CommandError> {
        match (&self.dir, &self.config) {
            (Some(_), Some(_)) => return Err(CommandError::Usage("give a directory or --config, not both".into())),
            (Some(dir), None) => return Ok(dir.clone()),
            (None, _) => {}
        }
        let path = config::find(self.config.as_deref(), environment).map_err(CommandError::Config)?;
        let loaded = Config::load_sources(&path, environment).map_err(CommandError::Config)?;
        let none = || CommandError::Usage(format!("{}: it has no spool.dir; name a directory", path.display()));
        loaded.config.spool.map(|spool| spool.dir).ok_or_else(none)
    }
}

/// Looks into a directory. One without a spool is an error: nothing would be said of it, and that would look like good
/// news.
pub(super) fn look(dir: &Path) -> Result<Inspection, CommandError> {
    let inspection = Inspection::open(dir)?;
    if inspection.is_spool() {
        Ok(inspection)
    } else {
        Err(CommandError::Failed(anyhow::anyhow!("{}: there is no spool in it", dir.display())))
    }
}

/// Reads all segments, one after the other: tells each record and, behind its records, each segment.
pub(super) fn walk(
    inspection: &Inspection,
    each: &mut dyn FnMut(&Segment, &Kept<'_>),
    told: &mut dyn FnMut(&Segment, &Report) -> io::Result<()>,
) -> io::Result<()> {
    let mut progress = Progress::new();
    let count = inspection.segments().len();
    for (index, segment) in inspection.segments().iter().enumerate() {
        let report = inspection.read(segment, &mut |kept| {
            progress.show(|| format!("segment {} of {count}, record {}", index + 1, kept.sequence));
            each(segment, &kept);
            ControlFlow::Continue(())
        });
        told(segment, &report)?;
    }
    Ok(())
}

//! Which Kafka a command sends to: that of a configuration, or brokers named on the command line and nothing else.

use std::path::PathBuf;

use crate::cli::CommandError;
use crate::config::{self, Config, Environment};
use crate::name::TopicName;
use crate::units::ByteSize;
use crate::{kafka, spool, telemetry};

/// A configuration, or brokers.
#[derive(Debug, Clone, clap::Args)]
pub struct Brokers {
    /// The configuration; else `HOOKGATE_CONFIG`, ./hookgate.yaml, /etc/hookgate/hookgate.yaml
    #[arg(short, long, value_name = "FILE", conflicts_with = "brokers")]
    pub config: Option<PathBuf>,
    /// Brokers, with commas, where no configuration is at hand; they must need neither TLS nor a password
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub brokers: Vec<String>,
    /// With --brokers: where dead letters go
    #[arg(long, value_name = "TOPIC", default_value = "webhooks.dead-letter", conflicts_with = "config")]
    pub dead_letter_topic: TopicName,
}

/// What there is to work with.
#[derive(Debug, Clone)]
pub struct Means {
    /// Where to send.
    pub kafka: kafka::Settings,
    /// Of the configuration.
    pub spool: Option<spool::Settings>,
    /// Warnings and errors, in the form of the configuration.
    pub log: telemetry::Settings,
}

impl Brokers {
    /// Reads the configuration, if it is one.
    ///
    /// # Errors
    /// It is bad.
    pub fn means(&self, environment: &dyn Environment) -> Result<Means, CommandError> {
        let log = |format| telemetry::Settings { level: "warn".to_owned(), format };
        if self.brokers.is_empty() {
            let path = config::find(self.config.as_deref(), environment).map_err(CommandError::Config)?;
            let config = Config::load(&path, environment).map_err(CommandError::Config)?.config;
            return Ok(Means { kafka: config.kafka, spool: config.spool, log: log(config.log.format) });
        }
        let kafka = kafka::Settings {
            brokers: self.brokers.clone(),
            dead_letter_topic: self.dead_letter_topic.clone(),
            create_topics: None,
            properties: Vec::new(),
            largest_body: ByteSize::mib(1),
            someone_waits: false,
            spooled: true,
        };
        Ok(Means { kafka, spool: None, log: log(telemetry::Format::Auto) })
    }
}

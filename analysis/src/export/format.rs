//! The formats, by name.

use super::ecs::{self, EcsEncoder};
use super::encoder::RowEncoder;
use super::mapping::FieldMapping;
use super::ocsf::{self, OcsfEncoder};
use super::otlp::{self, OtlpEncoder};
use super::perfetto::{self, PerfettoEncoder};
use super::timesketch;

/// A format of another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Events for Timesketch's importer, as JSON lines.
    Timesketch,
    /// Documents of the Elastic Common Schema, one a line.
    Ecs,
    /// The same documents as the body of a request to Elasticsearch's `_bulk`.
    EcsBulk,
    /// Events of OCSF's class Process Activity, as JSON lines.
    Ocsf,
    /// Log records of OpenTelemetry, as JSON lines.
    Otlp,
    /// A trace for Perfetto, in protobuf.
    Perfetto,
}

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 6] = [Self::Timesketch, Self::Ecs, Self::EcsBulk, Self::Ocsf, Self::Otlp, Self::Perfetto];

    /// Returns the name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timesketch => "timesketch",
            Self::Ecs => "ecs",
            Self::EcsBulk => "ecs-bulk",
            Self::Ocsf => "ocsf",
            Self::Otlp => "otlp",
            Self::Perfetto => "perfetto",
        }
    }

    /// Returns a few words about the format.
    pub fn summary(self) -> &'static str {
        match self {
            Self::Timesketch => "Timesketch: JSON lines, an event for each instant",
            Self::Ecs => "Elastic Common Schema 9.4: a JSON document a row",
            Self::EcsBulk => "the documents of ecs as the body of a _bulk request",
            Self::Ocsf => "OCSF 1.8: a Process Activity event a row, as JSON lines",
            Self::Otlp => "OpenTelemetry: a log record a row, as OTLP in JSON lines",
            Self::Perfetto => "Perfetto: a trace with a track for each container",
        }
    }

    /// Returns the columns that become fields with names of the format's own.
    pub fn mappings(self) -> &'static [FieldMapping] {
        match self {
            Self::Timesketch => timesketch::MAPPINGS,
            Self::Ecs | Self::EcsBulk => ecs::MAPPINGS,
            Self::Ocsf => ocsf::MAPPINGS,
            Self::Otlp => otlp::MAPPINGS,
            Self::Perfetto => perfetto::MAPPINGS,
        }
    }

    /// Returns the name of the field that any other column becomes.
    pub fn unmapped_field(self, column: &str) -> String {
        match self {
            Self::Timesketch => column.to_owned(),
            Self::Ecs | Self::EcsBulk | Self::Otlp => format!("obit.{column}"),
            Self::Ocsf => format!("unmapped.{column}"),
            Self::Perfetto => format!("debug.{column}"),
        }
    }

    /// Returns true if the output is no text.
    pub fn is_binary(self) -> bool {
        self == Self::Perfetto
    }

    /// Makes an encoder.
    pub(super) fn encoder(self) -> Box<dyn RowEncoder> {
        match self {
            Self::Timesketch => Box::<timesketch::TimesketchEncoder>::default(),
            Self::Ecs => Box::new(EcsEncoder::new(false)),
            Self::EcsBulk => Box::new(EcsEncoder::new(true)),
            Self::Ocsf => Box::<OcsfEncoder>::default(),
            Self::Otlp => Box::<OtlpEncoder>::default(),
            Self::Perfetto => Box::<PerfettoEncoder>::default(),
        }
    }
}

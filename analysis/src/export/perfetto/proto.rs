//! The messages of Perfetto's trace format that a trace of containers has.
//!
//! Names and numbers are those of `protos/perfetto/trace/` of google/perfetto; fields that are not
//! used are left out, as protobuf allows.

use prost::Message;

/// `BUILTIN_CLOCK_REALTIME`: the wall clock.
pub const CLOCK_REALTIME: u32 = 1;
/// `BUILTIN_CLOCK_BOOTTIME`: the clock of `boot_ns`.
pub const CLOCK_BOOTTIME: u32 = 6;

/// A packet of a trace.
#[derive(Clone, PartialEq, Message)]
pub struct TracePacket {
    #[prost(message, optional, tag = "6")]
    pub clock_snapshot: Option<TraceClocks>,
    #[prost(uint64, optional, tag = "8")]
    pub timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    pub trusted_packet_sequence_id: Option<u32>,
    #[prost(uint32, optional, tag = "58")]
    pub timestamp_clock_id: Option<u32>,
    #[prost(message, optional, tag = "60")]
    pub track_descriptor: Option<TrackDescriptor>,
}

/// Clocks that were read together: Perfetto's `ClockSnapshot`.
#[derive(Clone, PartialEq, Message)]
pub struct TraceClocks {
    #[prost(message, repeated, tag = "1")]
    pub clocks: Vec<ClockValue>,
    #[prost(uint32, optional, tag = "2")]
    pub primary_trace_clock: Option<u32>,
}

/// One clock of a snapshot.
#[derive(Clone, PartialEq, Message)]
pub struct ClockValue {
    #[prost(uint32, optional, tag = "1")]
    pub clock_id: Option<u32>,
    #[prost(uint64, optional, tag = "2")]
    pub timestamp: Option<u64>,
}

/// A track: a line of the picture.
#[derive(Clone, PartialEq, Message)]
pub struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    pub uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    #[prost(uint64, optional, tag = "5")]
    pub parent_uuid: Option<u64>,
    /// 2 keeps tracks of one name apart.
    #[prost(uint32, optional, tag = "15")]
    pub sibling_merge_behavior: Option<u32>,
}

/// Type of an event on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackEventType {
    /// The beginning of a slice.
    Begin = 1,
    /// The end of the slice that began last.
    End = 2,
    /// A moment.
    Instant = 3,
}

/// An event on a track. Its arguments are encoded beside it.
#[derive(Clone, PartialEq, Message)]
pub struct TrackEvent {
    #[prost(uint32, optional, tag = "9")]
    pub r#type: Option<u32>,
    #[prost(uint64, optional, tag = "11")]
    pub track_uuid: Option<u64>,
    #[prost(string, repeated, tag = "22")]
    pub categories: Vec<String>,
    #[prost(string, optional, tag = "23")]
    pub name: Option<String>,
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    pub flow_ids: Vec<u64>,
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    pub terminating_flow_ids: Vec<u64>,
}

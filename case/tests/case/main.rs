//! Tests of a case on disk: writes it, reads it, damages it.

mod damage;
mod derived;
mod digest;
mod disk;
mod document;
mod faults;
mod hostile;
mod journal;
mod kept_rows;
mod kit;
mod layout;
mod power;
mod power_cut;
mod roots;
mod round_trip;
mod rows;
mod segments;
mod signing;
mod strategies;
mod writing;

//! obit-replay as its users run it: the program itself, on cases written as a capture writes them.

mod cases;
mod damage;
mod derive;
mod diff;
mod explain;
mod filters;
mod identify;
mod info;
mod inventory;
mod json;
mod look;
mod profile;
mod segments;
mod threads;
mod triage;
mod usage;
mod verify;

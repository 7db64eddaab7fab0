mod host;
mod probe;
mod wire;

fn main() {}

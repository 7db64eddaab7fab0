//! Nothing is generated: cargo takes the build dependencies of a package with a build script only.

fn main() {}

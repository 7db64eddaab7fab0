//! The names that values of enums have in a case.

/// Gives each value of an enum its name in a case: one table for both directions.
macro_rules! names {
    ($type:ident { $($value:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];
            /// Returns its name in a case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }
            /// Returns the value with this name in a case.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$value),)+ _ => None }
            }
        }
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use names;

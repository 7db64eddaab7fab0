//! Values of the derivation as messages hold them: enums by their names in a case, times as
//! numbers.

/// Makes a module that writes a value of an enum as its name in a case.
macro_rules! by_name {
    ($module:ident, $type:ty) => {
        pub mod $module {
            use serde::de::{Deserialize, Deserializer, Error};
            use serde::ser::Serializer;

            pub fn serialize<S: Serializer>(value: &$type, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(value.as_str())
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                let name = String::deserialize(deserializer)?;
                <$type>::from_name(&name).ok_or_else(|| D::Error::custom("an unknown name"))
            }
        }
    };
}

by_name!(source, obit_derivation::record::Source);
by_name!(outcome, obit_derivation::record::Outcome);

/// Writes a time as nanoseconds.
pub mod optional_time {
    use obit_derivation::WallNs;
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer>(time: &Option<WallNs>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.0).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WallNs>, D::Error> {
        Ok(Option::<i64>::deserialize(deserializer)?.map(WallNs))
    }
}

/// Writes an engine as its name in a case.
pub mod optional_engine {
    use obit_derivation::identity::Engine;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    pub fn serialize<S: Serializer>(engine: &Option<Engine>, serializer: S) -> Result<S::Ok, S::Error> {
        engine.map(Engine::as_str).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Engine>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        name.map(|name| Engine::from_name(&name).ok_or_else(|| D::Error::custom("an unknown engine"))).transpose()
    }
}

//! Patterns that a container's names are compared with.

use std::convert::Infallible;
use std::str::FromStr;

use obit_derivation::identity::task_name;
use obit_derivation::row::{Identity, Killer};

/// Fewest characters that may stand for an id which begins with them.
pub const MIN_PREFIX_CHARACTERS: usize = 4;

/// A text in which `*` stands for any characters, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPattern(String);

impl TextPattern {
    /// Returns true if the whole text fits. Takes time in proportion to both lengths' product at
    /// most.
    pub fn matches(&self, text: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    fn matches_any(&self, texts: &[Option<&str>]) -> bool {
        texts.iter().flatten().any(|text| self.matches(text))
    }
}

impl FromStr for TextPattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// A container's id, or the beginning of one: [`MIN_PREFIX_CHARACTERS`] or more characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPattern(String);

impl IdPattern {
    /// Returns true if the id is meant.
    pub fn matches(&self, id: &str) -> bool {
        id == self.0 || (self.is_prefix() && id.starts_with(&self.0))
    }

    /// Returns true if the text is long enough to stand for ids that begin with it.
    pub fn is_prefix(&self) -> bool {
        self.0.chars().count() >= MIN_PREFIX_CHARACTERS
    }
}

impl FromStr for IdPattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

/// A Kubernetes pod: `NAME`, or `NAMESPACE/NAME`, or its UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPattern {
    namespace: Option<TextPattern>,
    name: TextPattern,
}

impl PodPattern {
    /// Returns true if the container is of the pod.
    pub fn matches(&self, identity: &Identity) -> bool {
        let is_of_namespace = self.namespace.as_ref().is_none_or(|pattern| {
            identity.pod_namespace.as_deref().is_some_and(|namespace| pattern.matches(namespace))
        });
        is_of_namespace && self.name.matches_any(&[identity.pod_name.as_deref(), identity.pod_uid.as_deref()])
    }
}

impl FromStr for PodPattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        // Neither a namespace nor a pod's name may have a slash.
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(TextPattern::from_str(namespace)?), name),
            None => (None, text),
        };
        Ok(Self { namespace, name: TextPattern::from_str(name)? })
    }
}

/// Returns true if the container is in the namespace: that of its Kubernetes pod, or containerd's.
pub fn is_in_namespace(pattern: &TextPattern, identity: &Identity) -> bool {
    pattern.matches_any(&[identity.pod_namespace.as_deref(), identity.containerd_namespace.as_deref()])
}

/// An image: its reference, or its config or manifest digest. Docker's registry, its folder
/// `library/`, the tag and the digest may be left out of a reference, as for `docker run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePattern(TextPattern);

impl ImagePattern {
    /// Returns true if the container was made from the image.
    pub fn matches(&self, identity: &Identity) -> bool {
        let Self(pattern) = self;
        let is_digest = pattern.matches_any(&[identity.image_id.as_deref(), identity.image_digest.as_deref()]);
        is_digest || identity.image_name.as_deref().is_some_and(|name| self.matches_reference(name))
    }

    fn matches_reference(&self, reference: &str) -> bool {
        let without_digest = reference.split_once('@').map_or(reference, |(name, _)| name);
        // The colon of a port comes before a slash.
        let without_tag = match without_digest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => without_digest,
        };
        [reference, without_digest, without_tag].into_iter().any(|name| {
            let without_registry = name.strip_prefix("docker.io/").unwrap_or(name);
            let short = without_registry.strip_prefix("library/").unwrap_or(without_registry);
            [name, without_registry, short].into_iter().any(|name| self.0.matches(name))
        })
    }
}

impl FromStr for ImagePattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(TextPattern::from_str(text)?))
    }
}

/// A task that ended a container, as tables show it: `PROGRAM`, `PID` or `PROGRAM[PID]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KillerPattern {
    program: Option<TextPattern>,
    pid: Option<u32>,
}

impl KillerPattern {
    /// Returns true if the task is meant.
    pub fn matches(&self, killer: &Killer) -> bool {
        let task = &killer.task;
        let names = [task.comm.as_str(), task_name(&task.comm, &task.argv)];
        self.pid.is_none_or(|pid| pid == task.pid)
            && self.program.as_ref().is_none_or(|program| names.iter().any(|name| program.matches(name)))
    }
}

impl FromStr for KillerPattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if let Ok(pid) = text.parse() {
            return Ok(Self { program: None, pid: Some(pid) });
        }
        let with_pid = text.strip_suffix(']').and_then(|text| text.rsplit_once('['));
        if let Some((program, pid)) = with_pid
            && let Ok(pid) = pid.parse()
        {
            return Ok(Self { program: Some(TextPattern::from_str(program)?), pid: Some(pid) });
        }
        Ok(Self { program: Some(TextPattern::from_str(text)?), pid: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::row::ActorCopy;

    fn pattern<T: FromStr<Err = Infallible>>(text: &str) -> T {
        let Ok(pattern) = T::from_str(text);
        pattern
    }

    #[test]
    fn a_star_stands_for_any_characters_and_nothing_else_is_special() {
        let fits = |text: &str, name: &str| pattern::<TextPattern>(text).matches(name);
        for (text, name) in [
            ("web", "web"),
            ("*", ""),
            ("*", "web"),
            ("web*", "web"),
            ("w*b*", "web-1"),
            ("*-1", "web-1-1"),
            ("**b", "web"),
            ("a*a", "aa"),
            ("w?b", "w?b"),
        ] {
            assert!(fits(text, name), "{text} {name}");
        }
        for (text, name) in [("web", "web-1"), ("w?b", "web"), ("", "web"), ("a*a", "a"), ("ab*ba", "aba"), ("*x*", "")]
        {
            assert!(!fits(text, name), "{text} {name}");
        }
    }

    #[test]
    fn an_image_is_named_as_to_docker_run() {
        let image = |name: &str| Identity { image_name: Some(name.to_owned()), ..Identity::default() };
        let fits = |text: &str, name: &str| pattern::<ImagePattern>(text).matches(&image(name));
        let nginx = "docker.io/library/nginx:1.27";
        for text in ["nginx", "nginx:1.27", "library/nginx", "docker.io/library/nginx", nginx, "*nginx*"] {
            assert!(fits(text, nginx), "{text}");
        }
        for text in ["ngin", "nginx:1.26", "1.27", "docker.io/nginx", "library"] {
            assert!(!fits(text, nginx), "{text}");
        }
        assert!(fits("host:5000/app", "host:5000/app") && fits("host:5000/app", "host:5000/app:1@sha256:ab"));
        assert!(!fits("host", "host:5000/app"), "the colon of a port begins no tag");
        let by_digest = Identity { image_digest: Some("sha256:ab".to_owned()), ..Identity::default() };
        assert!(pattern::<ImagePattern>("sha256:ab").matches(&by_digest));
    }

    #[test]
    fn a_pod_may_have_its_namespace_before_it() {
        let pod = Identity {
            pod_name: Some("web".to_owned()),
            pod_namespace: Some("shop".to_owned()),
            pod_uid: Some("0a1b".to_owned()),
            ..Identity::default()
        };
        let fits = |text: &str| pattern::<PodPattern>(text).matches(&pod);
        assert!(fits("web") && fits("shop/web") && fits("*/web") && fits("0a1b"));
        assert!(!fits("lab/web") && !fits("shop") && !fits("shop/"));
        assert!(!pattern::<PodPattern>("*").matches(&Identity::default()), "no pod");
    }

    #[test]
    fn a_killer_is_named_as_in_the_table() {
        let task =
            ActorCopy { pid: 77, comm: "4".to_owned(), argv: vec!["/bin/runc".to_owned()], ..ActorCopy::default() };
        let killer = Killer { task, loginuid: None, container_id: None };
        let fits = |text: &str| pattern::<KillerPattern>(text).matches(&killer);
        assert!(fits("runc") && fits("77") && fits("runc[77]") && fits("r*"));
        assert!(!fits("runc[7]") && !fits("78") && !fits("bash[77]") && !fits("run"));
    }

    #[test]
    fn few_characters_are_no_beginning_but_may_be_the_whole() {
        let fits = |text: &str, id: &str| pattern::<IdPattern>(text).matches(id);
        assert!(fits("web", "web") && fits("4f1d", "4f1d9e"));
        assert!(!fits("web", "web-1") && !fits("", "a") && !fits("4f1d9e", "4f1d"));
    }
}

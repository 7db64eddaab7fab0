//! The modules of a crate, which files they are in, and which file uses which.
//!
//! A file uses another if it names something that is defined there, by `use` or by a path. A name
//! is followed through re-exports to where it is defined. A module that declares its children and
//! re-exports their names does not use them by that; it does if it also names them elsewhere. Not
//! seen: methods that are called on a value, and what macros make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::tokens::{Source, Token, TokenKind, group_end};

/// Deepest chain of re-exports that is followed.
const MAX_HOPS: usize = 16;

/// Crates of this repository, as code names them.
const CRATES: [&str; 7] = [
    "obit_derivation",
    "obit_filter",
    "obit_schema",
    "obit_case",
    "obit_analysis",
    "obit_capture",
    "obit_test_engines",
];

/// One crate.
#[derive(Default)]
pub struct Crate {
    /// Its files and their texts.
    pub files: BTreeMap<PathBuf, String>,
    modules: Vec<Module>,
    /// First use of one file by another: the user, the used file, where and as what.
    uses: BTreeMap<(PathBuf, PathBuf), (usize, String)>,
    /// Other crates of this repository that are named: the file, the line, the crate.
    pub crates: BTreeSet<(PathBuf, usize, String)>,
}

#[derive(Default)]
struct Module {
    parent: usize,
    file: PathBuf,
    children: BTreeMap<String, usize>,
    /// Names of its own.
    items: BTreeSet<String>,
    /// Names that `use` brings in.
    imports: Vec<Import>,
    /// Paths in its code.
    paths: Vec<(Vec<String>, usize)>,
    /// Single words of its code that may stand for an item.
    words: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Import {
    /// `*` for all.
    name: String,
    path: Vec<String>,
    is_public: bool,
    line: usize,
}

/// What a path leads to: a whole module, or an item of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Module(usize),
    Item(usize),
}

impl Crate {
    /// Reads a crate from its first file on. `read` gives a file's text, if there is such a file.
    pub fn read(root: &Path, read: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut found = Self::default();
        let directory = root.parent().expect("a file lies somewhere").to_owned();
        found.add(0, root.to_owned(), &directory, read);
        found.find_uses();
        found
    }

    /// Adds a module and those it declares. Its children lie in that directory.
    fn add(&mut self, parent: usize, file: PathBuf, directory: &Path, read: &dyn Fn(&Path) -> Option<String>) -> usize {
        let text = read(&file).unwrap_or_else(|| panic!("{} is declared and not there", file.display()));
        let source = Source::new(&text);
        let own = self.modules.len();
        let (mut module, declared) = Module::parse(&source.tokens);
        module.parent = parent;
        module.file.clone_from(&file);
        for token in source.tokens.iter().filter(|token| token.is_word() && CRATES.contains(&token.text)) {
            self.crates.insert((file.clone(), token.line, token.text.to_owned()));
        }
        self.modules.push(module);
        self.files.insert(file.clone(), text.clone());
        for (name, path) in declared {
            let beside = file.parent().expect("a file lies somewhere");
            let child = match path {
                Some(path) => without_detours(&beside.join(path)),
                None => [directory.join(format!("{name}.rs")), directory.join(&name).join("mod.rs")]
                    .into_iter()
                    .find(|path| read(path).is_some())
                    .unwrap_or_else(|| panic!("{}: the file of `mod {name}` is not there", file.display())),
            };
            let child = self.add(own, child, &directory.join(&name), read);
            self.modules[own].children.insert(name, child);
        }
        own
    }

    fn find_uses(&mut self) {
        let mut uses = BTreeMap::new();
        for (own, module) in self.modules.iter().enumerate() {
            let mut add = |target: Option<Target>, line: usize, path: &[String]| {
                let Some(Target::Module(other) | Target::Item(other)) = target else { return };
                let other = &self.modules[other].file;
                if *other != module.file {
                    uses.entry((module.file.clone(), other.clone())).or_insert_with(|| (line, path.join("::")));
                }
            };
            for import in &module.imports {
                let target = self.resolve(own, &import.path, 0);
                match target {
                    // A re-export counts where the name is used; a module, where something of it
                    // is.
                    Some(Target::Item(other) | Target::Module(other))
                        if import.is_public && self.is_below(other, own) =>
                    {
                        if let Some(line) = module.words.get(&import.name) {
                            add(target, *line, &import.path);
                        }
                    }
                    Some(Target::Module(_)) if import.name != "*" => {}
                    _ => add(target, import.line, &import.path),
                }
            }
            for (path, line) in &module.paths {
                add(self.resolve(own, path, 0), *line, path);
            }
        }
        self.uses = uses;
    }

    fn is_below(&self, mut module: usize, ancestor: usize) -> bool {
        while module != ancestor && module != 0 {
            module = self.modules[module].parent;
        }
        module == ancestor
    }

    /// Follows a path from a module; `None` if it leads out of the crate.
    fn resolve(&self, own: usize, path: &[String], hops: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.descend(0, rest, hops),
            "self" => self.descend(own, rest, hops),
            "super" => {
                let mut module = self.modules[own].parent;
                let ups = rest.iter().take_while(|name| *name == "super").count();
                (0..ups).for_each(|_| module = self.modules[module].parent);
                self.descend(module, &rest[ups..], hops)
            }
            _ => self.find(own, first, rest, hops),
        }
    }

    /// Follows the rest of a path into a module. An unknown name counts as the module's own: a
    /// macro may have made it.
    fn descend(&self, module: usize, path: &[String], hops: usize) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else { return Some(Target::Module(module)) };
        self.find(module, first, rest, hops).or(Some(Target::Item(module)))
    }

    /// Follows a path that begins with a name known in a module.
    fn find(&self, own: usize, name: &str, rest: &[String], hops: usize) -> Option<Target> {
        if hops > MAX_HOPS {
            return None;
        }
        let module = &self.modules[own];
        if let Some(child) = module.children.get(name) {
            return self.descend(*child, rest, hops);
        }
        if module.items.contains(name) {
            return Some(Target::Item(own));
        }
        let follow = |import: &Import, last: &[&str]| {
            let path: Vec<_> = import
                .path
                .iter()
                .cloned()
                .chain(last.iter().map(|name| (*name).to_owned()))
                .chain(rest.iter().cloned())
                .collect();
            // `use name;` of a macro names itself.
            if path.first().is_some_and(|first| first == name) && import.path.len() == 1 {
                None
            } else {
                self.resolve(own, &path, hops + 1)
            }
        };
        if let Some(import) = module.imports.iter().find(|import| import.name == name) {
            return follow(import, &[]);
        }
        module.imports.iter().filter(|import| import.name == "*").find_map(|import| {
            let Some(Target::Module(target)) = self.resolve(own, &import.path, hops + 1) else { return None };
            if target == own { None } else { self.find(target, name, rest, hops + 1) }
        })
    }

    /// Circles: files that use each other, directly or by way of others. Each is the uses among its
    /// files, a line each.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let mut next: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
        for (user, used) in self.uses.keys() {
            next.entry(user).or_default().push(used);
        }
        let reach = |from: &Path| -> BTreeSet<PathBuf> {
            let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
            while let Some(file) = open.pop() {
                for used in next.get(file.as_path()).into_iter().flatten() {
                    if seen.insert((*used).to_owned()) {
                        open.push((*used).to_owned());
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<_, _> = self.files.keys().map(|file| (file.as_path(), reach(file))).collect();
        let mut circles = Vec::new();
        let mut done: BTreeSet<&Path> = BTreeSet::new();
        for (file, from_here) in &reached {
            if done.contains(file) || !from_here.contains(*file) {
                continue;
            }
            let members: BTreeSet<_> = reached
                .iter()
                .filter(|(other, back)| from_here.contains(**other) && back.contains(*file))
                .map(|(other, _)| *other)
                .collect();
            let inside = self
                .uses
                .iter()
                .filter(|((user, used), _)| members.contains(user.as_path()) && members.contains(used.as_path()));
            circles.push(
                inside
                    .map(|((user, used), (line, path))| {
                        format!("{}:{line}: `{path}` is in {}", user.display(), used.display())
                    })
                    .collect(),
            );
            done.extend(members);
        }
        circles
    }
}

/// Takes `x/..` out of a path, so that a file has one name whoever declares it.
fn without_detours(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        if component.as_os_str() != ".." {
            plain.push(component);
        } else {
            plain.pop();
        }
    }
    plain
}

/// A module that is declared: its name, and its file if that is given.
type ChildModule = (String, Option<String>);

impl Module {
    fn parse(tokens: &[Token<'_>]) -> (Self, Vec<ChildModule>) {
        let mut module = Self::default();
        let mut declared = Vec::new();
        let mut file = None;
        let mut depth = 0_usize;
        // Depths at which modules begin that are written out in this file: names in them are not
        // this module's.
        let mut inline: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let token = tokens[at];
            let next = |offset: usize| tokens.get(at + offset);
            let next_is = |offset: usize, mark: &str| next(offset).is_some_and(|token| token.is(mark));
            if token.is("{") {
                depth += 1;
            } else if token.is("}") {
                depth = depth.saturating_sub(1);
                inline.pop_if(|begun| *begun == depth);
            } else if token.is("#") && next_is(1, "[") {
                let end = group_end(tokens, at + 1);
                if next_is(2, "path") {
                    file = tokens[at..end]
                        .iter()
                        .find(|token| token.kind == TokenKind::Text)
                        .map(|token| token.text.to_owned());
                }
                at = end;
                continue;
            } else if token.is("use") && !next_is(1, "<") {
                let end = at + tokens[at..].iter().position(|token| token.is(";")).unwrap_or(tokens.len() - at);
                let is_public = at > 0 && (tokens[at - 1].is("pub") || tokens[at - 1].is(")"));
                let mut imports = Vec::new();
                parse_tree(&tokens[at + 1..end], &[], &mut imports);
                for (name, mut path) in imports {
                    leave_inline(&mut path, inline.len());
                    module.imports.push(Import { name, path, is_public, line: token.line });
                }
                at = end;
                continue;
            } else if token.is("mod") && next(1).is_some_and(Token::is_word) {
                let name = tokens[at + 1].text.to_owned();
                if next_is(2, "{") {
                    inline.push(depth);
                } else if next_is(2, ";") && inline.is_empty() {
                    declared.push((name, file.take()));
                }
                at += 2;
                continue;
            } else if let Some(name) = defined_name(&tokens[at..]) {
                if depth == 0 {
                    module.items.insert(name.text.to_owned());
                }
            } else if token.is_word() && (at == 0 || !(tokens[at - 1].is("::") || tokens[at - 1].is("."))) {
                let mut path = vec![token.text.to_owned()];
                while tokens.get(at + 1).is_some_and(|mark| mark.is("::"))
                    && tokens.get(at + 2).is_some_and(Token::is_word)
                {
                    path.push(tokens[at + 2].text.to_owned());
                    at += 2;
                }
                let may_be_item = path.len() > 1
                    || token.text.starts_with(char::is_uppercase)
                    || tokens.get(at + 1).is_some_and(|mark| mark.is("(") || mark.is("!"));
                if may_be_item {
                    module.words.entry(token.text.to_owned()).or_insert(token.line);
                }
                if path.len() > 1 {
                    leave_inline(&mut path, inline.len());
                    module.paths.push((path, token.line));
                }
            }
            at += 1;
        }
        (module, declared)
    }
}

/// Makes a path of a module that is written out in a file one of the file's own module.
fn leave_inline(path: &mut Vec<String>, depth: usize) {
    for _ in 0..depth {
        match path.first().map(String::as_str) {
            Some("super") if path.get(1).is_some_and(|next| next == "super") => _ = path.remove(0),
            Some("super") => "self".clone_into(&mut path[0]),
            _ => return,
        }
    }
}

/// The name that a definition gives, if one begins here.
fn defined_name<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t Token<'a>> {
    let is = |at: usize, words: &[&str]| tokens.get(at).is_some_and(|token| words.iter().any(|word| token.is(word)));
    let name = if is(0, &["macro_rules"]) {
        tokens.get(2)
    } else if is(0, &["struct", "enum", "trait", "fn", "type", "const", "static"]) && !is(1, &["fn", "unsafe", "mut"]) {
        tokens.get(1)
    } else {
        None
    };
    name.filter(|token| token.is_word())
}

/// Takes the tree of a `use` apart: each name that it brings in, with its path.
fn parse_tree(tokens: &[Token<'_>], prefix: &[String], into: &mut Vec<(String, Vec<String>)>) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at];
        if token.is("{") {
            let inside = &tokens[at + 1..group_end(tokens, at) - 1];
            let mut start = 0;
            while start < inside.len() {
                let mut end = start;
                while end < inside.len() && !inside[end].is(",") {
                    end = if inside[end].is("{") { group_end(inside, end) } else { end + 1 };
                }
                parse_tree(&inside[start..end], &path, into);
                start = end + 1;
            }
            return;
        }
        if token.is("*") {
            into.push(("*".to_owned(), path));
            return;
        }
        if token.is("as") {
            let name = tokens.get(at + 1).map_or("_", |token| token.text);
            into.push((name.to_owned(), path));
            return;
        }
        if token.is_word() && (path.is_empty() || !token.is("self")) {
            path.push(token.text.to_owned());
        }
        at += 1;
    }
    if let Some(name) = path.last().filter(|_| !tokens.is_empty()) {
        into.push((name.clone(), path.clone()));
    }
}

fn read(files: &[(&str, &str)]) -> Crate {
    let read = |path: &Path| files.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| (*text).to_owned());
    Crate::read(Path::new("lib.rs"), &read)
}

#[test]
fn a_circle_is_found_through_re_exports() {
    let found = read(&[
        ("lib.rs", "pub mod a; mod b; pub use a::Inner;"),
        ("a/mod.rs", "mod inner; pub use inner::Inner;"),
        ("a/inner.rs", "use crate::b::{Other as O, self}; pub struct Inner(O);"),
        ("b.rs", "pub struct Other; fn f() -> crate::Inner { }"),
    ]);
    assert_eq!(
        found.circles(),
        [["a/inner.rs:1: `crate::b::Other` is in b.rs", "b.rs:1: `crate::Inner` is in a/inner.rs"]]
    );
}

#[test]
fn a_parent_that_re_exports_does_not_use_its_child() {
    let child = ("a.rs", "use super::Common; pub struct Own(Common); pub fn run() {}");
    assert!(read(&[("lib.rs", "mod a; pub use a::Own; pub struct Common;"), child]).circles().is_empty());
    for used in ["struct X(Own);", "fn f() { a::run() }", "fn f() { self::a::run() }"] {
        let text = format!("mod a; pub use a::Own; pub struct Common; {used}");
        assert_eq!(read(&[("lib.rs", &text), child]).circles().len(), 1, "{used}");
    }
}

#[test]
fn modules_in_a_file_are_that_file() {
    let found = read(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "mod inside { use super::super::b::F; use super::G; fn f(f: F) {} } pub struct G;"),
        ("b.rs", "pub struct F; #[cfg(test)] mod tests { use crate::a::G; }"),
    ]);
    assert_eq!(found.uses.len(), 1, "{:?}", found.uses);
    assert!(found.circles().is_empty());
}

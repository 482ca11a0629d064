//! Walks the syntax of a file.

use super::named_path::{NamedPath, absolute, imported, in_tokens};
use super::{DeclaredModule, ModulePath, RustFile};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprLit, ImplItem, Item, ItemMod, ItemUse, Lit, Meta, MetaNameValue, Token};

/// Reads the syntax of a file that is this module.
pub(super) fn read(syntax: &syn::File, lines: usize, module: &[String]) -> RustFile {
    let documented = syntax.attrs.iter().any(|attribute| attribute.path().is_ident("doc"));
    let file = RustFile { documented, production_lines: lines, ..RustFile::default() };
    let mut reader = Reader { within: module.to_vec(), tests_only: false, depth: 0, file };
    reader.visit_file(syntax);
    reader.file
}

struct Reader {
    /// The module in which the reader is.
    within: ModulePath,
    /// Whether only tests compile what is read.
    tests_only: bool,
    /// In how many items the reader is.
    depth: usize,
    file: RustFile,
}

impl Reader {
    /// Reads an item with its attributes in mind.
    fn with_attributes(&mut self, attributes: &[Attribute], item: &impl Spanned, read: impl FnOnce(&mut Self)) {
        let before = self.tests_only;
        if !before && attributes.iter().any(is_for_tests) {
            self.tests_only = true;
            let span = item.span();
            self.file.production_lines -= span.end().line + 1 - span.start().line;
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
        self.tests_only = before;
    }

    fn name(&mut self, line: usize, written: &[String]) {
        let Some(target) = absolute(&self.within, written).filter(|target| !target.is_empty()) else { return };
        let within = self.within.clone();
        self.file.named.push(NamedPath { line, within, target, tests_only: self.tests_only });
    }

    fn read_module(&mut self, item: &ItemMod) {
        self.within.push(item.ident.to_string());
        self.file.declared.push(DeclaredModule {
            path: self.within.clone(),
            line: item.ident.span().start().line,
            file: item.attrs.iter().find_map(path_attribute),
            inline: item.content.is_some(),
            tests_only: self.tests_only,
        });
        visit::visit_item_mod(self, item);
        self.within.pop();
    }

    fn read_import(&mut self, item: &ItemUse) {
        let mut all = Vec::new();
        imported(&item.tree, &[], &mut all);
        for import in all {
            self.name(import.line, &import.path);
            if let Some(name) = import.name.filter(|_| self.depth == 1) {
                let below = || self.within.iter().cloned().chain(import.path.clone()).collect();
                let path = absolute(&self.within, &import.path).unwrap_or_else(below);
                self.file.bindings.insert(name, path);
            }
        }
    }
}

impl Visit<'_> for Reader {
    fn visit_item(&mut self, item: &Item) {
        self.with_attributes(attributes(item), item, |reader| match item {
            Item::Mod(item) => reader.read_module(item),
            Item::Use(item) => reader.read_import(item),
            _ => visit::visit_item(reader, item),
        });
    }

    fn visit_impl_item(&mut self, item: &ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs[..],
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.with_attributes(attributes, item, |reader| visit::visit_impl_item(reader, item));
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let written: ModulePath = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.name(path.span().start().line, &written);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &syn::Macro) {
        let mut all = Vec::new();
        in_tokens(item.tokens.clone(), &mut all);
        for (line, written) in all {
            self.name(line, &written);
        }
        visit::visit_macro(self, item);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether what stands below it is compiled for tests alone: `#[cfg(test)]`, or `#[cfg(all(test, ..))]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<Meta>().is_ok_and(|meta| needs_test(&meta))
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|conditions| conditions.iter().any(needs_test)),
        _ => false,
    }
}

fn path_attribute(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(MetaNameValue { path, value: Expr::Lit(ExprLit { lit: Lit::Str(file), .. }), .. })
            if path.is_ident("path") =>
        {
            Some(file.value())
        }
        _ => None,
    }
}

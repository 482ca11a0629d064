//! A disk that is reached over iSCSI.

use super::super::Violations;
use super::super::member::{Member, REQUIRED};

/// The longest `<volume name>:<target portal>` where the initiator has a name.
const LONGEST_PORTAL: usize = 64;

pub(super) fn check(source: &Member<'_>, volume: &Member<'_>, violations: &mut Violations) {
    source.check("iqn", qualified_name, violations);
    source.check_range("lun", &(0..=255), violations);
    let has_login = ["chapAuthDiscovery", "chapAuthSession"].iter().any(|key| source.flag(key) == Some(true));
    if has_login && !source.has("secretRef") {
        violations.add(source.at("secretRef"), REQUIRED);
    }
    let Some(initiator) = source.written("initiatorName") else { return };
    violations.take(source.at("initiatorName"), qualified_name(initiator));
    let name = volume.text("name").unwrap_or_default();
    if name.len() + 1 + source.text("targetPortal").unwrap_or_default().len() > LONGEST_PORTAL {
        let message = format!("with iscsi.targetPortal, must be no more than {} characters", LONGEST_PORTAL - 1);
        violations.add(volume.at("name"), message);
    }
}

/// The name of a target or an initiator in one of the three forms of iSCSI.
fn qualified_name(name: &str) -> Result<(), String> {
    let is_name = match name.get(..3) {
        Some("iqn") => is_iqn(name),
        Some("eui") => is_number(name, 16),
        Some("naa") => is_number(name, 32),
        _ => false,
    };
    if is_name {
        return Ok(());
    }
    Err(format!("{name:?} must be of the form iqn.YYYY-MM.DOMAIN:NAME, eui.NUMBER or naa.NUMBER"))
}

fn is_iqn(name: &str) -> bool {
    let Some((authority, id)) = name.strip_prefix("iqn.").and_then(|rest| rest.split_once(':')) else { return false };
    let (Some(date), Some(domain)) = (authority.get(..7), authority.get(7..)) else { return false };
    let is_date = date.bytes().enumerate().all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
    let domain = domain.strip_prefix('.').unwrap_or_default();
    let is_domain =
        !domain.is_empty() && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    is_date
        && is_domain
        && !id.is_empty()
        && !id.contains(|letter: char| ",;*&$|".contains(letter) || letter.is_ascii_whitespace())
}

fn is_number(name: &str, digits: usize) -> bool {
    // Four letters: those of the form, and any one after them.
    name.get(4..).is_some_and(|rest| rest.len() == digits && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_of_three_forms() {
        for name in ["iqn.2001-04.com.example:disk.1", "eui.0123456789abcdef", &format!("naa.{}", "0".repeat(32))] {
            assert_eq!(qualified_name(name), Ok(()), "{name}");
        }
        for name in ["", "disk", "iqn.2001-04.com.example", "iqn.2001-4.com:a", "iqn.2001-04.com:a b", "eui.01", "naa."]
        {
            assert!(qualified_name(name).unwrap_err().contains("must be of the form"), "{name}");
        }
    }
}
